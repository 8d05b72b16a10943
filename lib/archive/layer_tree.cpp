#include "archive/layer_tree.hpp"

#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace davit::archive {

namespace {

std::string join(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& p : parts) out += (out.empty() ? "" : "/") + p;
    return out;
}

std::string read_link(int directory, const std::string& name) {
    char target[PATH_MAX];
    ssize_t n = ::readlinkat(directory, name.c_str(), target, sizeof target);
    if (n < 0) throw sys_error(errno, "reading the link {}", name);
    return {target, static_cast<std::size_t>(n)};
}

// No program could name it, and nobody means it.
Error too_deep(const std::string& path) {
    return error(Errc::failed, "the path '{}…' has more than {} bytes", path.substr(0, 80), PATH_MAX - 1);
}

constexpr int directory_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

} // namespace

std::list<std::string> split_path(std::string_view path) {
    std::list<std::string> out;
    while (!path.empty()) {
        auto slash = path.find('/');
        auto part = path.substr(0, slash);
        if (!part.empty() && part != ".") out.emplace_back(part);
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    return out;
}

std::string clean_path(std::string_view path) {
    std::vector<std::string> out;
    for (auto& part : split_path(path)) {
        if (part != "..") out.push_back(std::move(part));
        else if (out.empty()) throw error(Errc::failed, "the path '{}' leaves the image", path);
        else out.pop_back();
    }
    return join(out);
}

LayerTree::LayerTree(const std::string& root, Listener listener)
    : root_(sys::open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW)), listener_(std::move(listener)) {}

// Opens one component as a directory. An empty fd: it is missing (make: it was not made, because a
// symbolic link stands there).
UniqueFd LayerTree::step(int from, const std::string& name, const std::string& path, bool make) {
    UniqueFd fd(::openat(from, name.c_str(), directory_flags));
    if (fd || !make) return fd;
    struct stat st {};
    bool opaque = false;
    if (::fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(st.st_mode)) return {};
        if (!is_whiteout(st)) throw error(Errc::failed, "'{}' is used as a directory but is none", path);
        if (::unlinkat(from, name.c_str(), 0) < 0) throw sys_error(errno, "replacing {}", path);
        opaque = true; // what lies under the whiteout must stay hidden
    }
    if (::mkdirat(from, name.c_str(), 0755) < 0) throw sys_error(errno, "making the directory {}", path);
    fd = sys::open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    ::fchmod(fd.get(), 0755); // mkdir's mode went through the umask
    if (opaque) make_opaque(fd.get());
    else listener_.made_parent(path);
    return fd;
}

bool LayerTree::walk(const std::string& parent, bool make) {
    std::list<std::string> todo = split_path(parent);
    std::vector<std::string> done;
    std::size_t length = 0; // of what is done
    UniqueFd last;          // empty: the root
    int links = 0;
    auto here = [&] { return last ? last.get() : root_.get(); };
    while (!todo.empty()) {
        std::string name = std::move(todo.front());
        todo.pop_front();
        if (name == "..") { // of a link's target; at the root it stays there, as in a chroot
            if (done.empty()) continue;
            length -= done.back().size() + 1;
            done.pop_back();
            last = done.empty() ? UniqueFd()
                                : sys::open_at2(root_.get(), join(done), directory_flags, 0,
                                                RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
            continue;
        }
        done.push_back(name);
        length += name.size() + 1;
        if (length >= PATH_MAX) throw too_deep(parent);
        UniqueFd next = step(here(), name, join(done), make);
        if (next) {
            last = std::move(next);
            continue;
        }
        struct stat st {};
        if (::fstatat(here(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode)) return false;
        if (++links > max_links) throw error(Errc::failed, "too many symbolic links in '{}'", parent);
        std::string target = read_link(here(), name);
        length -= name.size() + 1;
        done.pop_back();
        if (target.starts_with('/')) {
            done.clear();
            length = 0;
            last.reset();
        }
        todo.splice(todo.begin(), split_path(target));
    }
    cached_for_ = parent;
    cached_path_ = join(done);
    cached_ = last ? std::move(last) : sys::open_at(root_.get(), ".", O_PATH | O_DIRECTORY);
    valid_ = true;
    return true;
}

namespace {
LayerTree::Place split_place(const std::string& path, std::string& parent) {
    LayerTree::Place out;
    auto slash = path.find_last_of('/');
    parent = slash == std::string::npos ? "" : path.substr(0, slash);
    out.name = slash == std::string::npos ? path : path.substr(slash + 1);
    return out;
}
} // namespace

LayerTree::Place LayerTree::place(const std::string& path) {
    std::string parent;
    Place out = split_place(path, parent);
    if (!valid_ || parent != cached_for_) {
        // The common case, all parents there and none a link, is one call.
        open_how how{};
        how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
        how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
        long fd = parent.empty() ? -1 : ::syscall(SYS_openat2, root_.get(), parent.c_str(), &how, sizeof how);
        if (fd >= 0) {
            cached_.reset(static_cast<int>(fd));
            cached_for_ = cached_path_ = parent;
            valid_ = true;
        } else {
            valid_ = false;
            walk(parent, true);
        }
    }
    out.directory = cached_.get();
    out.parent = cached_path_;
    if (out.path().size() >= PATH_MAX) throw too_deep(path);
    return out;
}

LayerTree::Place LayerTree::find(const std::string& path) {
    std::string parent;
    Place out = split_place(path, parent);
    if ((!valid_ || parent != cached_for_) && !walk(parent, false)) return out;
    out.directory = cached_.get();
    out.parent = cached_path_;
    return out;
}

void LayerTree::remove(const Place& place) {
    valid_ = false; // it may be the cached directory, or a link towards it; its fd stays open
    if (::unlinkat(place.directory, place.name.c_str(), 0) == 0) return;
    if (errno != EISDIR && errno != EPERM) throw sys_error(errno, "replacing {}", place.path());
    sys::remove_tree_at(place.directory, place.name);
    listener_.removed(place.path());
}

bool is_whiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0); }

void make_whiteout(int directory, const std::string& name) {
    if (::mknodat(directory, name.c_str(), S_IFCHR, makedev(0, 0)) < 0)
        throw sys_error(errno, "marking {} as removed", name);
}

void make_opaque(int fd) {
    if (::fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) == 0) return;
    if ((errno != EPERM && errno != EOPNOTSUPP) || ::fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
        throw sys_error(errno, "marking a directory as opaque");
}

bool is_opaque(int fd) {
    char value = 0;
    return (::fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y') ||
           (::fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y');
}

} // namespace davit::archive
