// The root file system. It is mounted over "/" of the container's own mount namespace, reached by
// its descriptor, and becomes the root by pivot_root(".", "."): no directory of the host is needed.
#include "runtime/exec/context.hpp"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace davit::exec {
namespace {

constexpr std::size_t max_config_value = 255; // fsconfig(2); longer paths go by descriptor
constexpr std::size_t max_mount_options = 4095; // mount(2) cuts silently there (vm.md §4)

struct DirName { // a directory as a mount option: its path or its descriptor
    Fd fd;
    TextBuffer<32> by_fd;
    const char* name = nullptr;
    bool set(const char* path, bool always_fd) noexcept {
        if (!always_fd && std::strlen(path) <= max_config_value) return name = path, true;
        fd.reset(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
        by_fd.text << "/proc/self/fd/" << fd.get();
        name = by_fd.c_str();
        return static_cast<bool>(fd);
    }
};

bool add_dir(Context& c, int fs, const char* key, const char* path) noexcept {
    DirName dir;
    if (!dir.set(path, false)) return c.fail(Stage::rootfs, path);
    if (fs_config(fs, FSCONFIG_SET_STRING, key, dir.name) < 0) return c.fail(Stage::rootfs, path);
    return true;
}

// 6.5 and newer: one call per layer. Sets *unknown when the kernel has no lowerdir+ (6.1 says so only at the end).
int by_fsconfig(Context& c, const RootOverlay& s, bool* unknown) noexcept {
    Fd fs(fs_open("overlay"));
    if (!fs) return c.fail(Stage::rootfs, "overlay"), -1;
    fs_config(fs.get(), FSCONFIG_SET_STRING, "source", "overlay");
    for (std::uint32_t i = 0; i < s.lower.count; ++i)
        if (!add_dir(c, fs.get(), "lowerdir+", c.plan.text(c.plan.item(s.lower, i)))) {
            *unknown = c.report.errnum == EINVAL;
            return -1;
        }
    if (s.upper.size && (!add_dir(c, fs.get(), "upperdir", c.plan.text(s.upper)) ||
                         !add_dir(c, fs.get(), "workdir", c.plan.text(s.work))))
        return -1;
    // Hard link tracking across copy-up costs xattrs and refuses a lower layer that was seen before.
    fs_config(fs.get(), FSCONFIG_SET_STRING, "index", "off");
    if (fs_config(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0) {
        *unknown = errno == EINVAL;
        return c.fail(Stage::rootfs, c.plan.text(c.plan.item(s.lower, 0))), -1;
    }
    int fd = fs_mount(fs.get(), 0);
    if (fd < 0) c.fail(Stage::rootfs, "overlay");
    return fd;
}

struct OptionText {
    char data[max_mount_options + 1];
    Text text{data, sizeof data};
};

// Opens dir and adds its number; the descriptors stay open until execve closes them.
bool add_fd(Context& c, OptionText& out, const char* before, const char* path) noexcept {
    int fd = ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return c.fail(Stage::rootfs, path);
    out.text << before << fd;
    return true;
}

// Any kernel: mount(2) with the layers as names relative to /proc/self/fd, which lets 500 fit.
int by_mount(Context& c, const RootOverlay& s) noexcept {
    OptionText options;
    for (std::uint32_t i = 0; i < s.lower.count; ++i)
        if (!add_fd(c, options, i ? ":" : "lowerdir=", c.plan.text(c.plan.item(s.lower, i)))) return -1;
    if (s.upper.size && (!add_fd(c, options, ",upperdir=", c.plan.text(s.upper)) ||
                         !add_fd(c, options, ",workdir=", c.plan.text(s.work))))
        return -1;
    options.text << ",index=off";
    if (options.text.full()) return c.fail(Stage::rootfs, E2BIG, "too many layers"), -1;
    if (::chdir("/proc/self/fd") < 0) return c.fail(Stage::rootfs, "/proc/self/fd"), -1;
    if (::mount("overlay", "/", "overlay", 0, options.data) < 0)
        return c.fail(Stage::rootfs, c.plan.text(c.plan.item(s.lower, 0))), -1;
    // ".." of the root crosses to what is mounted on top of it, "/" does not.
    int fd = ::open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) c.fail(Stage::rootfs, "overlay");
    return fd;
}

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
    bool unknown = false;
    int fd = by_fsconfig(c, s, &unknown);
    if (fd >= 0) return attach(c, fd, "overlay");
    if (!unknown) return false;
    c.root = by_mount(c, s);
    return c.root >= 0;
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
