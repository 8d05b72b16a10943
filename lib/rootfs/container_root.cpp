#include "rootfs/container_root.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace davit::rootfs {

namespace {

// A thread has a mount namespace and a working directory of its own once it has left the others';
// what it opens stays valid in all of them.
template <typename F>
void in_own_thread(F&& fn) {
    std::exception_ptr failure;
    started<std::thread>([&] {
        try {
            fn();
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
}

void leave_mount_namespace() {
    if (::unshare(CLONE_NEWNS) < 0) throw sys_error(errno, "making a mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
        throw sys_error(errno, "making the mounts private");
}

// mount(2) takes one page of options: the layers are named by number, which lets 500 fit.
UniqueFd mount_overlay(const runtime::Overlay& overlay, const std::string& at) {
    std::vector<UniqueFd> open;
    std::string options = "lowerdir=";
    auto add = [&](const std::string& path) {
        open.push_back(sys::open(path, O_PATH | O_DIRECTORY));
        options += std::to_string(open.back().get());
    };
    for (std::size_t i = 0; i < overlay.lower.size(); ++i) {
        if (i) options += ':';
        add(overlay.lower[i]);
    }
    if (!overlay.upper.empty()) {
        options += ",upperdir=";
        add(overlay.upper);
        options += ",workdir=";
        add(overlay.work);
    }
    options += ",index=off";
    if (::chdir("/proc/self/fd") < 0) throw sys_error(errno, "entering /proc/self/fd");
    if (::mount("overlay", at.c_str(), "overlay", 0, options.c_str()) < 0)
        throw sys_error(errno, "mounting the container's layers");
    if (::chdir("/") < 0) throw sys_error(errno, "entering /");
    return sys::open(at, O_PATH | O_DIRECTORY);
}

UniqueFd mount_root(const runtime::Root& root) {
    // The writable layer's directory is there whatever else is; the overlay has its own hold on it.
    if (!root.overlay.lower.empty())
        return mount_overlay(root.overlay,
                             root.overlay.upper.empty() ? root.overlay.lower.front() : root.overlay.upper);
    const UniqueFd at = sys::open(root.path, O_PATH | O_DIRECTORY);
    UniqueFd tree(::open_tree(at.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree || ::move_mount(tree.get(), "", at.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        throw sys_error(errno, "mounting {}", root.path);
    return tree;
}

UniqueFd open_inside(int root, const std::string& path, int flags) {
    return sys::open_at2(root, path, static_cast<std::uint64_t>(flags) | O_CLOEXEC, 0,
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

bool is_directory(int fd) {
    struct stat st {};
    return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

// The place of a mount, made when it is missing as it is at the container's start.
UniqueFd mount_point(int root, const std::string& path, bool directory) {
    std::string made;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string name = path.substr(at, end - at);
        at = end + 1;
        if (name.empty()) continue;
        const UniqueFd parent = open_inside(root, made.empty() ? "." : made, O_PATH | O_DIRECTORY);
        made += (made.empty() ? "" : "/") + name;
        struct stat st {};
        if (::fstatat(parent.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) continue;
        const bool last = at >= path.size();
        const int made_it = last && !directory ? ::mknodat(parent.get(), name.c_str(), S_IFREG | 0644, 0)
                                               : ::mkdirat(parent.get(), name.c_str(), 0755);
        if (made_it < 0 && errno != EEXIST) throw sys_error(errno, "making {} in the container", made);
    }
    return open_inside(root, made.empty() ? "." : made, O_PATH);
}

// A detached copy of what is mounted; links in a subpath stay inside the volume, as at the container's start.
UniqueFd tree_of(const runtime::Mount& mount) {
    UniqueFd source = sys::open(mount.source, O_PATH);
    if (!mount.subpath.empty()) source = open_inside(source.get(), mount.subpath, O_PATH);
    UniqueFd tree(::open_tree(
        source.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (mount.recursive ? AT_RECURSIVE : 0)));
    if (!tree) throw sys_error(errno, "mounting {}", mount.source);
    return tree;
}

void add_mount(int root, const runtime::Mount& mount) {
    UniqueFd tree;
    try {
        tree = tree_of(mount);
    } catch (const Error& e) {
        if (e.os().value() == ENOENT) return; // made at the start, or gone: there is nothing to be seen
        throw;
    }
    if (mount.readonly) {
        mount_attr attr{};
        attr.attr_set = MOUNT_ATTR_RDONLY;
        if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | (mount.readonly_recursive ? AT_RECURSIVE : 0), &attr,
                            sizeof attr) < 0)
            throw sys_error(errno, "making {} read-only", mount.destination);
    }
    const UniqueFd at = mount_point(root, mount.destination, is_directory(tree.get()));
    if (::move_mount(tree.get(), "", at.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        throw sys_error(errno, "mounting {}", mount.destination);
}

void make_readonly(int root) {
    mount_attr attr{};
    attr.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
        throw sys_error(errno, "making the root read-only");
}

UniqueFd open_of_process(pid_t pid, const char* what, int flags) {
    UniqueFd fd(::open(fmt::format("/proc/{}/{}", pid, what).c_str(), flags | O_CLOEXEC));
    if (!fd)
        throw error(Errc::unavailable, "the container's first process ({}) has just ended", pid)
            .with_os({errno, std::generic_category()});
    return fd;
}

} // namespace

ContainerRoot ContainerRoot::as_seen(const runtime::Spec& spec, pid_t init) {
    ContainerRoot out;
    if (init) {
        out.root_ = open_of_process(init, "root", O_PATH | O_DIRECTORY);
        return out;
    }
    in_own_thread([&] {
        leave_mount_namespace();
        out.root_ = mount_root(spec.root);
        for (const runtime::Mount& mount : spec.mounts)
            if (mount.kind == runtime::Mount::Kind::bind) add_mount(out.root_.get(), mount);
        if (spec.root.readonly) make_readonly(out.root_.get());
        out.namespace_ = sys::open("/proc/thread-self/ns/mnt", O_RDONLY);
    });
    return out;
}

ContainerRoot ContainerRoot::own_files(const runtime::Spec& spec, pid_t init) {
    ContainerRoot out;
    in_own_thread([&] {
        if (init) {
            const UniqueFd space = open_of_process(init, "ns/mnt", O_RDONLY);
            if (::unshare(CLONE_FS) < 0 || ::setns(space.get(), CLONE_NEWNS) < 0)
                throw sys_error(errno, "entering the container's mount namespace");
            out.root_.reset(::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
            if (!out.root_) throw sys_error(errno, "opening the container's root");
            return;
        }
        leave_mount_namespace();
        out.root_ = mount_root(spec.root);
        out.namespace_ = sys::open("/proc/thread-self/ns/mnt", O_RDONLY);
    });
    return out;
}

} // namespace davit::rootfs
