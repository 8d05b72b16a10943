// The root file system. It is mounted over "/" of the container's own mount namespace, reached by
// its descriptor, and becomes the root by pivot_root(".", "."): no directory of the host is needed.
#include "runtime/exec/context.hpp"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

namespace davit::exec {
namespace {

bool attach(Context& c, int fd, const char* what) noexcept {
    Fd here(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!here || move_mount(fd, here.get()) < 0) return c.fail(Stage::rootfs, what);
    c.root = fd;
    return true;
}

} // namespace

bool step(Context& c, const SetPropagation& s) noexcept {
    if (::mount(nullptr, "/", nullptr, s.flags, nullptr) < 0) return c.fail(Stage::namespaces, "mount");
    return true;
}

bool step(Context& c, const RootOverlay& s) noexcept {
    bool attached = false;
    int fd = mount_overlay(c, s.lower, s.upper, s.work, &attached);
    if (fd < 0 || !attached) return fd >= 0 && attach(c, fd, "overlay");
    c.root = fd;
    return true;
}

bool step(Context& c, const RootBind& s) noexcept {
    const char* path = c.plan.text(s.path);
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_RECURSIVE);
    if (fd < 0) return c.fail(Stage::rootfs, path);
    return attach(c, fd, path);
}

bool step(Context& c, const ReadonlyRoot&) noexcept {
    if (set_mount_attr(c.root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0) return c.fail(Stage::rootfs, "making it read-only");
    return true;
}

bool step(Context& c, const PivotRoot&) noexcept {
    if (::fchdir(c.root) < 0) return c.fail(Stage::pivot_root, "");
    if (::syscall(SYS_pivot_root, ".", ".") == 0) {
        // Both roots are stacked here now; the old one is on top.
        if (::umount2(".", MNT_DETACH) < 0) return c.fail(Stage::pivot_root, "leaving the host's root");
    } else {
        // The host runs from its initramfs, which cannot be moved. The new root lies over "/" for
        // good, so that ".." ends there; what lies below can no longer be named.
        struct statfs fs{};
        bool ramfs = errno == EINVAL && ::statfs("/", &fs) == 0 &&
                     (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
        if (!ramfs || ::chroot(".") < 0) return c.fail(Stage::pivot_root, "");
    }
    if (::chdir("/") < 0) return c.fail(Stage::pivot_root, "");
    c.pivoted = true;
    return true;
}

} // namespace davit::exec
