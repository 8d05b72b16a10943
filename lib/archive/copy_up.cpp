#include "archive/copy_up.hpp"

#include "archive/file_meta.hpp"
#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace davit::archive {

namespace {

constexpr std::size_t most_open = 16; // directories on the way down, with a descriptor for each layer

void copy_bytes(int from, int to) {
    bool by_kernel = true;
    char buffer[65536];
    for (;;) {
        ssize_t n = -1;
        if (by_kernel) n = ::copy_file_range(from, nullptr, to, nullptr, 1u << 30, 0);
        if (by_kernel && n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
            by_kernel = false;
        if (!by_kernel) {
            n = ::read(from, buffer, sizeof buffer);
            if (n > 0) sys::write_all(to, {buffer, static_cast<std::size_t>(n)});
        }
        if (n == 0) return;
        if (n < 0 && errno != EINTR) throw make_sys_error(errno, "copying");
    }
}

// A container that has the volume already put something there, or took away what was just made: that is its
// entry now, and no reason for this container not to start.
bool is_taken(const Error& e) {
    const int code = e.os().value();
    return e.kind() == Errc::conflict || code == EEXIST || code == ENOENT || code == ELOOP || code == ENOTDIR;
}

} // namespace

void copy_directory_meta(const RootfsView::Entry& from, int to) {
    set_owner(to, from.status.st_uid, from.status.st_gid);
    if (::fchmod(to, from.status.st_mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", from.path);
    copy_xattrs(from.parts.front().get(), to);
    set_modified(to, from.status.st_mtim);
}

ViewCopier::ViewCopier(const RootfsView& view, int root, Care care)
    : view_(view), root_(sys::open_at(root, ".", O_PATH | O_DIRECTORY)), care_(care) {}

bool ViewCopier::link_copy(const RootfsView::Entry& from, int to, const std::string& name) {
    const auto found = linked_.find({from.status.st_dev, from.status.st_ino});
    if (found == linked_.end()) return false;
    const Copy copy = found->second;
    if (--found->second.to_come == 0) linked_.erase(found);
    // Somebody may have removed or replaced it: then there will be another copy.
    open_how how{};
    how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const UniqueFd file(static_cast<int>(::syscall(SYS_openat2, root_.get(), copy.path.c_str(), &how, sizeof how)));
    struct stat st {};
    if (!file || ::fstat(file.get(), &st) < 0 || st.st_dev != copy.device || st.st_ino != copy.inode) return false;
    if (::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", file.get()).c_str(), to, name.c_str(), AT_SYMLINK_FOLLOW) ==
        0)
        return true;
    if (errno != ENOENT && errno != EMLINK) throw sys_error(errno, "linking {}", from.path);
    return false;
}

// What is there stays. If it is the copy that was made before, the file's other names are links to it.
void ViewCopier::keep_copy(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path) {
    const auto& st = from.status;
    struct stat there {};
    if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) return;
    const bool same = S_ISREG(there.st_mode) && there.st_size == st.st_size &&
                      there.st_mtim.tv_sec == st.st_mtim.tv_sec && there.st_mtim.tv_nsec == st.st_mtim.tv_nsec;
    if (same && st.st_nlink > 1)
        linked_.try_emplace({st.st_dev, st.st_ino}, Copy{path, there.st_dev, there.st_ino, st.st_nlink - 1});
    throw sys_error(EEXIST, "making {}", name);
}

// Without a name where the file system has such files.
UniqueFd ViewCopier::new_file(int to, const std::string& name) const {
    if (care_ != Care::none) {
        UniqueFd file(::openat(to, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
        if (file || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
    }
    return sys::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

void ViewCopier::copy_file(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path) {
    const auto& st = from.status;
    if (st.st_nlink > 1 && link_copy(from, to, name)) return;
    if (care_ == Care::again) keep_copy(from, to, name, path);
    const UniqueFd in = sys::reopen(from.parts.front().get(), O_RDONLY);
    const UniqueFd out = new_file(to, name);
    if (!out) throw sys_error(errno, "making {}", from.path);
    copy_bytes(in.get(), out.get());
    set_owner(out.get(), st.st_uid, st.st_gid);
    if (::fchmod(out.get(), st.st_mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", from.path);
    copy_xattrs(in.get(), out.get());
    set_modified(out.get(), st.st_mtim);
    struct stat made {};
    if (::fstat(out.get(), &made) < 0) throw sys_error(errno, "looking at {}", from.path);
    if (made.st_nlink == 0 &&
        ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", out.get()).c_str(), to, name.c_str(), AT_SYMLINK_FOLLOW) < 0)
        throw sys_error(errno, "naming {}", from.path);
    if (st.st_nlink > 1)
        linked_.try_emplace({st.st_dev, st.st_ino}, Copy{path, made.st_dev, made.st_ino, st.st_nlink - 1});
}

void ViewCopier::copy_node(const RootfsView::Entry& from, int to, const std::string& name, const std::string& path) {
    const auto& st = from.status;
    if (S_ISREG(st.st_mode)) return copy_file(from, to, name, path);
    if (S_ISSOCK(st.st_mode)) return; // without its owner it is nothing
    if (S_ISLNK(st.st_mode)) {
        if (::symlinkat(from.link_target.c_str(), to, name.c_str()) < 0)
            throw sys_error(errno, "linking {}", from.path);
    } else if (::mknodat(to, name.c_str(), (st.st_mode & S_IFMT) | 0600, st.st_rdev) < 0) {
        throw sys_error(errno, "making {}", from.path);
    }
    set_node_meta(to, name, {st.st_mode, st.st_rdev, st.st_mtim, st.st_uid, st.st_gid});
}

void ViewCopier::make_directory(const RootfsView::Entry& from, int to, const std::string& name) const {
    if (::mkdirat(to, name.c_str(), 0700) < 0 && (errno != EEXIST || care_ != Care::again))
        throw sys_error(errno, "making {}", from.path);
}

void ViewCopier::copy_directory(RootfsView::Entry from) {
    struct Level {
        RootfsView::Entry from;
        std::vector<std::string> names;
        std::size_t next = 0;
    };
    const std::size_t top = from.path == "/" ? 1 : from.path.size() + 1; // where paths from root begin
    DirChain chain(sys::open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY));
    std::vector<Level> way; // as long as the chain
    auto enter = [&](RootfsView::Entry directory) {
        if (way.size() >= most_open) way[way.size() - most_open].from.parts.clear();
        auto names = view_.names(directory);
        way.push_back({std::move(directory), std::move(names), 0});
    };
    enter(std::move(from));
    while (!way.empty()) {
        Level& here = way.back();
        view_.open_again(here.from);
        if (here.next == here.names.size()) {
            copy_directory_meta(here.from, chain.fd());
            way.pop_back();
            chain.leave();
            continue;
        }
        const std::string name = std::move(here.names[here.next++]);
        auto entry = view_.child(here.from, name);
        if (!entry) continue;
        try {
            if (!entry->is_directory()) {
                copy_node(*entry, chain.fd(), name, entry->path.substr(top));
                continue;
            }
            make_directory(*entry, chain.fd(), name);
            chain.enter(sys::open_at(chain.fd(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        } catch (const Error& e) {
            if (!is_taken(e)) throw;
            continue;
        }
        enter(std::move(*entry));
    }
}

bool copy_up(const std::vector<std::string>& layer_paths, const std::string& path, UniqueFd destination, bool again) {
    RootfsView view(layer_paths);
    auto from = view.lookup(path);
    if (!from || !from->is_directory()) return false;
    return in_context("copying " + path + " of the image", [&] {
        using Care = ViewCopier::Care;
        ViewCopier(view, destination.get(), again ? Care::again : Care::whole_files).copy_directory(std::move(*from));
        return true;
    });
}

} // namespace davit::archive
