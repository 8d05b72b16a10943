// Overlays of image layers, on every kernel from 5.15 on.
#include "runtime/exec/context.hpp"

#include <sys/mount.h>
#include <sys/stat.h>

namespace davit::exec {
namespace {

constexpr std::size_t max_config_value = 255;   // fsconfig(2); longer paths go by descriptor
constexpr std::size_t max_mount_options = 4095; // mount(2) copies one page and cuts the rest in silence

struct Dirs {
    StrList lower; // topmost first
    Str upper, work;
};

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
int by_fsconfig(Context& c, const Dirs& s, bool* unknown) noexcept {
    Fd fs(fs_open("overlay"));
    if (!fs) return c.fail(Stage::rootfs, "overlay"), -1;
    fs_config(fs.get(), FSCONFIG_SET_STRING, "source", "overlay");
    for (std::uint32_t i = 0; i < s.lower.count; ++i)
        if (!add_dir(c, fs.get(), "lowerdir+", c.steps.text(c.steps.item(s.lower, i)))) {
            *unknown = c.report.errnum == EINVAL;
            return -1;
        }
    if (s.upper.size && (!add_dir(c, fs.get(), "upperdir", c.steps.text(s.upper)) ||
                         !add_dir(c, fs.get(), "workdir", c.steps.text(s.work))))
        return -1;
    // Hard link tracking across copy-up costs xattrs and refuses a lower layer that was seen before.
    fs_config(fs.get(), FSCONFIG_SET_STRING, "index", "off");
    if (fs_config(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0) {
        *unknown = errno == EINVAL;
        return c.fail(Stage::rootfs, c.steps.text(c.steps.item(s.lower, 0))), -1;
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
int by_mount(Context& c, const Dirs& s) noexcept {
    OptionText options;
    for (std::uint32_t i = 0; i < s.lower.count; ++i)
        if (!add_fd(c, options, i ? ":" : "lowerdir=", c.steps.text(c.steps.item(s.lower, i)))) return -1;
    if (s.upper.size && (!add_fd(c, options, ",upperdir=", c.steps.text(s.upper)) ||
                         !add_fd(c, options, ",workdir=", c.steps.text(s.work))))
        return -1;
    options.text << ",index=off";
    if (options.text.full()) return c.fail(Stage::rootfs, E2BIG, "too many layers"), -1;
    if (::chdir("/proc/self/fd") < 0) return c.fail(Stage::rootfs, "/proc/self/fd"), -1;
    if (::mount("overlay", "/", "overlay", 0, options.data) < 0)
        return c.fail(Stage::rootfs, c.steps.text(c.steps.item(s.lower, 0))), -1;
    // ".." of the root crosses to what is mounted on top of it, "/" does not.
    int fd = ::open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) c.fail(Stage::rootfs, "overlay");
    return fd;
}

} // namespace

int mount_overlay(Context& c, StrList lower, Str upper, Str work, bool* attached) noexcept {
    Dirs dirs{lower, upper, work};
    bool unknown = false;
    int fd = by_fsconfig(c, dirs, &unknown);
    *attached = fd < 0 && unknown;
    return *attached ? by_mount(c, dirs) : fd;
}

namespace {

int one_layer(Context& c, const char* path, const char* subpath) noexcept {
    Fd base(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    Fd part(base ? open_in_root(base.get(), *subpath ? subpath : ".", O_PATH) : -1);
    if (base && !part) return c.fail(Stage::mount_subpath, errno, subpath, path), -1;
    int fd = part ? open_tree(part.get(), "", OPEN_TREE_CLONE | AT_EMPTY_PATH) : -1;
    if (fd < 0) c.fail(Stage::mount_source, *subpath ? subpath : path);
    return fd;
}

// Before 6.15 only what is mounted somewhere can be cloned in part: it lies over "/" for a moment,
// where nothing looks, as the container's root is reached by its descriptor.
int part_of(Context& c, int overlay, bool attached, const char* subpath) noexcept {
    Fd here(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!attached && (!here || move_mount(overlay, here.get()) < 0)) return c.fail(Stage::mount, subpath), -1;
    Fd part(open_in_root(overlay, subpath, O_PATH));
    int fd = part ? open_tree(part.get(), "", OPEN_TREE_CLONE | AT_EMPTY_PATH) : -1;
    if (fd < 0) c.fail(part ? Stage::mount_source : Stage::mount_subpath, errno, subpath, "");
    TextBuffer<32> path;
    path.text << "/proc/self/fd/" << overlay;
    ::umount2(path.c_str(), MNT_DETACH);
    return fd;
}

} // namespace

int overlay_of(Context& c, StrList layers, Str subpath) noexcept {
    const char* part = c.steps.text(subpath);
    if (layers.count == 1) return one_layer(c, c.steps.text(c.steps.item(layers, 0)), part);
    bool attached = false;
    Fd fd(mount_overlay(c, layers, {}, {}, &attached));
    if (!fd || !*part) return fd.release();
    return part_of(c, fd.get(), attached, part);
}

} // namespace davit::exec
