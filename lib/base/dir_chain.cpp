#include "base/dir_chain.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace davit {

namespace {
constexpr std::size_t most_open = 16; // a stream has a buffer of 32 KB
}

int DirChain::fd() const { return levels_.back().get(); }

DIR* DirChain::list() {
    Level& here = levels_.back();
    if (!here.list) {
        here.list.reset(::fdopendir(here.fd.get()));
        if (!here.list) throw make_sys_error(errno, "listing a directory");
        here.fd.release();
    }
    return here.list.get();
}

void DirChain::enter(UniqueFd child) {
    struct stat st {};
    if (::fstat(child.get(), &st) < 0) throw make_sys_error(errno, "looking at a directory");
    if (levels_.size() >= most_open) levels_[levels_.size() - most_open].close();
    levels_.push_back({std::move(child), nullptr, st.st_dev, st.st_ino});
}

void DirChain::leave() {
    const Level left = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty() || levels_.back().is_open()) return;
    Level& here = levels_.back();
    here.fd = sys::open_at(left.get(), "..", O_RDONLY | O_DIRECTORY);
    struct stat st {};
    if (::fstat(here.fd.get(), &st) < 0) throw make_sys_error(errno, "looking at a directory");
    if (st.st_dev != here.device || st.st_ino != here.inode)
        throw error(Errc::conflict, "a directory was moved away while its tree was walked");
}

bool DirChain::let_go() {
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i)
        if (levels_[i].is_open()) return levels_[i].close(), true;
    return false;
}

} // namespace davit
