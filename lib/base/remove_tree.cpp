// Removing what others have made: as deep and as wide as it may be.
#include "base/sys.hpp"

#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/kernel_abi.hpp"

#include <cerrno>
#include <fcntl.h>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace davit::sys {

namespace {

constexpr int most_passes = 8; // over a directory in which somebody makes new files

// Never through a link, never onto another mount, not even of the same file system.
int open_child(int directory, const char* name) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
    return static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof how));
}

class Remover {
public:
    explicit Remover(UniqueFd top) : chain_(std::move(top)) { levels_.emplace_back(); }

    // Empties the top directory. Throws the first reason why something stays.
    void run() {
        while (!levels_.empty()) {
            errno = 0;
            const dirent* entry = ::readdir(chain_.list());
            if (!entry && errno) stays("", errno);
            if (!entry) leave();
            else if (const std::string_view name = entry->d_name; name != "." && name != "..") remove(*entry);
        }
        if (problem_) throw sys_error(problem_, "removing {}", what_);
    }

private:
    struct Level {
        std::string name;           // in the one above
        std::set<std::string> kept; // what could not be removed
        int passes = 0;
    };

    void remove(const dirent& entry) {
        if (!levels_.back().kept.empty() && levels_.back().kept.contains(entry.d_name)) return;
        const char* name = entry.d_name;
        if (entry.d_type != DT_DIR) {
            if (::unlinkat(chain_.fd(), name, 0) == 0 || errno == ENOENT) return;
            if (errno != EISDIR && (errno != EPERM || entry.d_type != DT_UNKNOWN)) return stays(name, errno);
        }
        if (::unlinkat(chain_.fd(), name, AT_REMOVEDIR) == 0 || errno == ENOENT) return;
        if (errno != ENOTEMPTY && errno != EEXIST) return stays(name, errno);
        int child = open_child(chain_.fd(), name);
        while (child < 0 && (errno == EMFILE || errno == ENFILE || errno == EAGAIN) &&
               (errno == EAGAIN || chain_.let_go()))
            child = open_child(chain_.fd(), name);
        if (child < 0 && errno == ENOENT) return; // somebody else removes it, too
        if (child < 0) return stays(name, errno == EXDEV ? EBUSY : errno);
        levels_.push_back({name, {}, 0});
        chain_.enter(UniqueFd(child));
    }

    void leave() {
        if (levels_.size() == 1) return levels_.clear();
        Level left = std::move(levels_.back());
        levels_.pop_back();
        const std::string where = shown(left.name);
        try {
            chain_.leave();
        } catch (Error& e) {
            e.with_context("removing " + where);
            throw;
        }
        if (::unlinkat(chain_.fd(), left.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
        const int why = errno;
        // Somebody makes files here, or the file system's listing passed over some.
        if (why == ENOTEMPTY && left.kept.empty() && ++left.passes < most_passes) {
            if (const int again = open_child(chain_.fd(), left.name.c_str()); again >= 0) {
                levels_.push_back(std::move(left));
                return chain_.enter(UniqueFd(again));
            }
        }
        stays(left.name, why);
    }

    void stays(const std::string& name, int why) {
        if (!problem_) {
            problem_ = why;
            what_ = shown(name);
        }
        if (!name.empty()) levels_.back().kept.insert(name);
    }

    std::string shown(const std::string& name) const {
        constexpr std::size_t enough = 5;
        std::string out;
        for (std::size_t i = 1; i < levels_.size(); ++i) {
            if (i == enough) return out + "…/" + name;
            out += levels_[i].name + "/";
        }
        return out + name;
    }

    DirChain chain_;
    std::vector<Level> levels_; // as many as the chain has
    int problem_ = 0;
    std::string what_;
};

} // namespace

void remove_tree_at(int dir, const std::string& name) {
    if (::unlinkat(dir, name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) throw sys_error(errno, "removing {}", name);
    UniqueFd top(::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!top && errno == ENOENT) return;
    if (!top) throw sys_error(errno, "removing {}", name);
    in_context("removing " + name, [&] {
        for (int passes = 0;; ++passes) {
            Remover(open_at(top.get(), ".", O_RDONLY | O_DIRECTORY)).run();
            if (::unlinkat(dir, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
            if (errno != ENOTEMPTY || passes == most_passes) throw sys_error(errno, "removing {}", name);
        }
    });
}

void remove_tree(const std::string& path) { remove_tree_at(AT_FDCWD, path); }

} // namespace davit::sys
