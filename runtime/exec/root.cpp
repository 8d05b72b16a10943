// The root file system. It is mounted over "/" of the container's own mount namespace, reached by
// its descriptor, and becomes the root by pivot_root(".", "."): no directory of the host is needed.
#include "runtime/exec/context.hpp"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace davit::exec {
namespace {

bool attach(Context& c, int fd, const char* what) noexcept {
    Fd here(c.ns_root >= 0 ? -1 : ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    int at = c.ns_root >= 0 ? c.ns_root : here.get();
    if (at < 0 || move_mount(fd, at) < 0) return c.fail(Stage::rootfs, what);
    c.root = fd;
    return true;
}

bool change_root(int dir) noexcept { return ::fchdir(dir) == 0 && ::chroot(".") == 0; }

struct Place {
    std::uint64_t mount = 0;
    struct stat st {};
    explicit Place(int fd) noexcept {
        struct statx more {};
        if (::fstat(fd, &st) == 0 && ::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &more) == 0) mount = more.stx_mnt_id;
    }
    bool operator==(const Place& o) const noexcept {
        return mount == o.mount && st.st_dev == o.st.st_dev && st.st_ino == o.st.st_ino;
    }
};

} // namespace

// davit may run in a chroot (a rescue or build root). Its paths are those of the chroot, but the container's
// root must take the place of the namespace's: below a chroot the machine's tree would stay, for CAP_SYS_CHROOT
// to climb into and for setns to arrive in. Entering a mount namespace, even one's own, leads to its root.
bool find_ns_root(Context& c) noexcept {
    Fd start(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), self(to_int(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!start || !self || ::syscall(SYS_setns, self.get(), CLONE_NEWNS) < 0) return c.fail(Stage::namespaces, "mount");
    Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return c.fail(Stage::namespaces, "mount");
    c.start_root = start.release();
    if (Place(c.start_root) == Place(root.get())) return true;
    if (!change_root(c.start_root)) return c.fail(Stage::namespaces, "mount");
    c.ns_root = root.release();
    return true;
}

// Back from another mount namespace, and below what lies over "/" in ours already.
bool come_home(Context& c, int mount_ns) noexcept {
    if (::syscall(SYS_setns, mount_ns, CLONE_NEWNS) < 0) return c.fail(Stage::namespaces, "mount");
    return change_root(c.start_root) || c.fail(Stage::namespaces, "mount");
}

bool step(Context& c, const SetPropagation& s) noexcept {
    if (c.ns_root >= 0) {
        std::uint64_t type = s.flags & ~std::uint64_t{MS_REC};
        return set_mount_attr(c.ns_root, s.flags & MS_REC ? unsigned{AT_RECURSIVE} : 0U, 0, 0, type) == 0 ||
               c.fail(Stage::namespaces, "mount");
    }
    if (::mount(nullptr, "/", nullptr, s.flags, nullptr) < 0) return c.fail(Stage::namespaces, "mount");
    return true;
}

bool step(Context& c, const RootOverlay& s) noexcept {
    bool attached = false;
    int fd = mount_overlay(c, s.lower, s.upper, s.work, &attached);
    // One that lies over "/" already has to move to the namespace's root when that is another.
    if (fd < 0 || !attached || c.ns_root >= 0) return fd >= 0 && attach(c, fd, "overlay");
    c.root = fd;
    return true;
}

bool step(Context& c, const RootBind& s) noexcept {
    const char* path = c.steps.text(s.path);
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE);
    if (fd < 0) return c.fail(Stage::rootfs, path);
    return attach(c, fd, path);
}

bool step(Context& c, const ReadonlyRoot&) noexcept {
    if (set_mount_attr(c.root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0) return c.fail(Stage::rootfs, "making it read-only");
    return true;
}

bool step(Context& c, const PivotRoot&) noexcept {
    if (c.ns_root >= 0 && !change_root(c.ns_root)) return c.fail(Stage::pivot_root, "leaving the chroot");
    if (::fchdir(c.root) < 0) return c.fail(Stage::pivot_root, "");
    if (::syscall(SYS_pivot_root, ".", ".") == 0) {
        // Both roots are stacked here now; the old one is on top.
        if (::umount2(".", MNT_DETACH) < 0) return c.fail(Stage::pivot_root, "leaving the host's root");
    } else {
        // The host runs from its initramfs, which cannot be moved. The new root lies over "/" for
        // good, so that ".." ends there; what lies below can no longer be named.
        struct statfs fs {};
        bool ramfs =
            errno == EINVAL && ::statfs("/", &fs) == 0 && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
        if (!ramfs || ::chroot(".") < 0) return c.fail(Stage::pivot_root, "");
    }
    if (::chdir("/") < 0) return c.fail(Stage::pivot_root, "");
    c.pivoted = true;
    return true;
}

} // namespace davit::exec
