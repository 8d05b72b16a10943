// Mounts, masks and read-only paths. Targets are opened once, inside the root; what is mounted is a
// detached mount that gets its attributes before anybody can see it (CVE-2021-30465 and its kin).
#include "runtime/exec/context.hpp"

#include <climits>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace davit::exec {
namespace {

bool is_directory(int fd) noexcept {
    struct stat st {};
    return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

bool is_fs(int fd, long magic) noexcept {
    struct statfs fs {};
    return ::fstatfs(fd, &fs) == 0 && fs.f_type == magic;
}

// CVE-2019-19921: a volume or image must not stand in for /proc.
bool is_proc_root(int fd) noexcept {
    struct stat st {};
    return is_fs(fd, PROC_SUPER_MAGIC) && ::fstat(fd, &st) == 0 && st.st_ino == 1;
}

bool set_option(int fs, const char* option) noexcept {
    char key[256];
    const char* equals = std::strchr(option, '=');
    if (!equals) return fs_config(fs, FSCONFIG_SET_FLAG, option, nullptr) == 0;
    auto n = static_cast<std::size_t>(equals - option);
    if (n >= sizeof key) return errno = EINVAL, false;
    std::memcpy(key, option, n);
    key[n] = 0;
    return fs_config(fs, FSCONFIG_SET_STRING, key, equals + 1) == 0;
}

int procfs(Context& c, unsigned attributes) noexcept;

int new_filesystem(Context& c, const MountStep& s) noexcept {
    const char* target = c.steps.text(s.target);
    const char* source = c.steps.text(s.source.size ? s.source : s.type);
    if (c.pid_ns >= 0 && !std::strcmp(c.steps.text(s.type), "proc")) {
        int fd = procfs(c, static_cast<unsigned>(s.attr_set));
        if (fd < 0) c.fail(Stage::proc, "/proc of the joined pid namespace");
        return fd;
    }
    Fd fs(fs_open(c.steps.text(s.type)));
    if (!fs) return c.fail(Stage::mount, errno, target, c.steps.text(s.type)), -1;
    if (s.source.size) fs_config(fs.get(), FSCONFIG_SET_STRING, "source", source);
    for (std::uint32_t i = 0; i < s.options.count; ++i) {
        const char* option = c.steps.text(c.steps.item(s.options, i));
        if (!set_option(fs.get(), option)) return c.fail(Stage::mount_option, errno, target, option), -1;
    }
    if (fs_config(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
        return c.fail(Stage::mount, errno, target, source), -1;
    int fd = fs_mount(fs.get(), s.attr_set);
    if (fd < 0) c.fail(Stage::mount, errno, target, source);
    return fd;
}

unsigned clone_flags(const MountStep& s) noexcept {
    return OPEN_TREE_CLONE | (s.flags & mount_recursive ? unsigned{AT_RECURSIVE} : 0U);
}

// The part of a volume that subpath names; links in it cannot lead out (volume-subpath escapes).
int bind_source(Context& c, const MountStep& s) noexcept {
    const char* source = c.steps.text(s.source);
    int fd;
    if (s.subpath.size == 0) {
        fd = open_tree(AT_FDCWD, source, clone_flags(s));
    } else {
        Fd base(::open(source, O_PATH | O_CLOEXEC));
        Fd part(base ? open_in_root(base.get(), c.steps.text(s.subpath), O_PATH) : -1);
        if (base && !part) return c.fail(Stage::mount_subpath, errno, c.steps.text(s.subpath), source), -1;
        fd = part ? open_tree(part.get(), "", clone_flags(s) | AT_EMPTY_PATH) : -1;
    }
    if (fd < 0) c.fail(Stage::mount_source, source);
    return fd;
}

// A mount of another container (ipc: service:x shares /dev/shm). A mount can only be cloned from
// inside its namespace, so this process goes there and comes back.
int peer_source(Context& c, const MountStep& s) noexcept {
    const char* source = c.steps.text(s.source);
    Fd home(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!home) return c.fail(Stage::mount_source, source), -1;
    if (::syscall(SYS_setns, c.slots[slot_peer], CLONE_NEWNS) < 0) return c.fail(Stage::mount_source, source), -1;
    Fd found(open_beneath(AT_FDCWD, source, O_PATH, RESOLVE_NO_MAGICLINKS));
    int fd = found ? open_tree(found.get(), "", clone_flags(s) | AT_EMPTY_PATH) : -1;
    int why = errno;
    if (!come_home(c, home.get())) return -1;
    if (fd < 0) return c.fail(Stage::mount_source, why, source), -1;
    return fd;
}

// A procfs shows the pid namespace of the process that asks for it. A helper is not in the one that its
// container joins, so it names it (6.17), or takes a bare copy of what the other container has at /proc.
int procfs(Context& c, unsigned attributes) noexcept {
    Fd fs(fs_open("proc"));
    bool named = c.pid_ns < 0 || (fs && fs_config(fs.get(), FSCONFIG_SET_FD, "pidns", nullptr, c.pid_ns) == 0);
    if (named && fs && fs_config(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) == 0)
        return fs_mount(fs.get(), attributes);
    if (c.pid_ns < 0 || c.slots[slot_pid_peer] < 0) return -1;
    Fd home(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!home || ::syscall(SYS_setns, c.slots[slot_pid_peer], CLONE_NEWNS) < 0) return -1;
    Fd theirs(open_beneath(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS));
    Fd copy(theirs && is_proc_root(theirs.get()) ? open_tree(theirs.get(), "", OPEN_TREE_CLONE | AT_EMPTY_PATH) : -1);
    if (!come_home(c, home.get())) return -1;
    if (!copy || set_mount_attr(copy.get(), 0, attributes, MOUNT_ATTR_RDONLY, MS_PRIVATE) < 0) return -1;
    return copy.release();
}

int detached_mount(Context& c, const MountStep& s, int early) noexcept {
    if (s.kind == MountKind::filesystem) return new_filesystem(c, s);
    int fd = early >= 0                     ? early
             : s.kind == MountKind::overlay ? overlay_of(c, s.options, s.subpath)
                                            : bind_source(c, s);
    if (fd < 0) return -1;
    unsigned how = s.flags & mount_attr_recursive ? unsigned{AT_RECURSIVE} : 0U;
    bool changes = s.attr_set || s.attr_clear;
    bool bad = changes && set_mount_attr(fd, how, s.attr_set, s.attr_clear, 0) < 0;
    // Opened before the namespace's mounts became private, it is the host's peer until something else is said.
    const std::uint64_t propagation = s.propagation ? s.propagation : early >= 0 ? MS_PRIVATE | MS_REC : 0;
    std::uint64_t type = propagation & ~std::uint64_t{MS_REC};
    if (!bad && type) bad = set_mount_attr(fd, propagation & MS_REC ? unsigned{AT_RECURSIVE} : 0U, 0, 0, type) < 0;
    if (!bad) return fd;
    c.fail(Stage::mount, c.steps.text(s.target));
    ::close(fd);
    return -1;
}

// A tmpfs over a directory of the image looks like that directory (/tmp stays 1777).
void inherit_mode(int mount_fd, int target) noexcept {
    struct stat st {};
    if (::fstat(target, &st) == 0) ::fchmodat(mount_fd, ".", st.st_mode & 07777, 0);
}

bool remember_proc(Context& c, int fd) noexcept {
    if (!is_proc_root(fd)) return c.fail(Stage::proc, EINVAL, "not a procfs");
    if (c.proc < 0) c.proc = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return c.proc >= 0 || c.fail(Stage::proc, "/proc");
}

// CVE-2019-16884: an image whose /proc or /sys is a link would have the mount somewhere else.
bool plain_target(Context& c, const char* target) noexcept {
    Fd fd(open_beneath(c.root, target, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
    return fd || errno == ENOENT || c.fail(Stage::mount_target, errno == ELOOP ? ELOOP : errno, target);
}

// Why a mount point cannot be made: the read-only mount it would be in, or the file on the way to it.
bool fail_target(Context& c, const char* target) noexcept {
    int why = errno;
    char above[PATH_MAX];
    std::size_t n = std::strlen(target);
    if ((why != EROFS && why != ENOTDIR) || n >= sizeof above) return c.fail(Stage::mount_target, why, target);
    std::memcpy(above, target, n + 1);
    for (char* slash; (slash = std::strrchr(above, '/'));) {
        slash[slash == above] = 0;
        Fd fd(open_in_root(c.root, above, O_PATH));
        struct statx st {};
        bool there = fd && ::statx(fd.get(), "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0;
        bool cause =
            there && (why == ENOTDIR ? !S_ISDIR(st.stx_mode) : (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
        if (cause) return c.fail(Stage::mount_target, why, target, above);
        if (!above[1]) break;
    }
    return c.fail(Stage::mount_target, why, target);
}

bool is_kernel_fs(const char* type) noexcept { return !std::strcmp(type, "proc") || !std::strcmp(type, "sysfs"); }

} // namespace

int open_early_source(Context& c, const MountStep& s) noexcept {
    return s.kind == MountKind::peer ? peer_source(c, s) : bind_source(c, s);
}

bool is_whole_host(Context& c, const MountStep& s) noexcept {
    if (s.kind != MountKind::bind) return false;
    Fd root(::open("/", O_PATH | O_CLOEXEC)), source(::open(c.steps.text(s.source), O_PATH | O_CLOEXEC));
    struct stat whole {};
    struct stat part {};
    return root && source && ::fstat(root.get(), &whole) == 0 && ::fstat(source.get(), &part) == 0 &&
           whole.st_dev == part.st_dev && whole.st_ino == part.st_ino;
}

bool mount_step(Context& c, const MountStep& s, int early) noexcept {
    const char* target = c.steps.text(s.target);
    bool filesystem = s.kind == MountKind::filesystem;
    bool kernel_fs = filesystem && is_kernel_fs(c.steps.text(s.type));
    if (kernel_fs && !plain_target(c, target)) return false;
    Fd mount_fd(detached_mount(c, s, early));
    if (!mount_fd) return (s.flags & mount_optional) && (c.report.errnum == ENODEV || c.report.errnum == ENOENT);
    if (filesystem && !std::strcmp(c.steps.text(s.type), "proc") && !remember_proc(c, mount_fd.get())) return false;
    bool directory = filesystem || is_directory(mount_fd.get());
    bool made = false;
    Fd place(make_in_root(c.root, target, directory, directory ? 0755 : 0644, &made));
    const int at = place.get();
    if (at < 0) return fail_target(c, target);
    // The image may have led us there by a link; see check_kernel_files() in steps/mounts.cpp.
    if (is_fs(at, PROC_SUPER_MAGIC) && !(s.flags & mount_over_proc) && !is_fs(mount_fd.get(), PROC_SUPER_MAGIC))
        return c.fail(Stage::mount_target, EPERM, target);
    if (!made && (s.flags & mount_inherit_mode)) inherit_mode(mount_fd.get(), at);
    forget_last_dir(c);
    if (move_mount(mount_fd.get(), at) == 0) return true;
    const int why = errno;
    const char* source = c.steps.text(s.source.size ? s.source : s.subpath.size ? s.subpath : s.type);
    if (directory != is_directory(at)) return c.fail(Stage::mount_kind, directory ? ENOTDIR : EISDIR, target, source);
    return c.fail(Stage::mount, why, target, source);
}

bool step(Context& c, const OpenProc&) noexcept {
    Fd fd(procfs(c, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    return fd ? remember_proc(c, fd.get()) : c.fail(Stage::proc, "/proc");
}

namespace {

bool is_null(int fd) noexcept {
    struct stat st {};
    return fd >= 0 && ::fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == ::makedev(1, 3);
}

// CVE-2025-31133: the device is opened once, checked, and only this descriptor is mounted.
bool open_null(Context& c) noexcept {
    Fd own(open_beneath(c.root, "dev/null", O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
    Fd hosts(is_null(own.get()) ? -1 : ::open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW));
    if (is_null(own.get())) c.dev_null = own.release();
    else if (is_null(hosts.get())) c.dev_null = hosts.release();
    return c.dev_null >= 0 || c.fail(Stage::mask, "/dev/null");
}

// One empty file system for all masked directories: making and dropping one each is slow. The first
// directory gets the mount itself, because a mount that is nowhere can be cloned from 6.15 on only.
bool open_mask_dir(Context& c) noexcept {
    Fd fs(fs_open("tmpfs"));
    if (!fs || fs_config(fs.get(), FSCONFIG_SET_STRING, "source", "tmpfs") < 0 ||
        fs_config(fs.get(), FSCONFIG_SET_STRING, "nr_blocks", "1") < 0 ||
        fs_config(fs.get(), FSCONFIG_SET_STRING, "nr_inodes", "1") < 0 ||
        fs_config(fs.get(), FSCONFIG_SET_FLAG, "ro", nullptr) < 0 ||
        fs_config(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
        return c.fail(Stage::mask, "tmpfs");
    c.mask_dir = fs_mount(fs.get(), MOUNT_ATTR_RDONLY);
    return c.mask_dir >= 0 || c.fail(Stage::mask, "tmpfs");
}

bool missing() noexcept { return errno == ENOENT || errno == ENOTDIR; }

} // namespace

bool step(Context& c, const MaskPath& s) noexcept {
    const char* path = c.steps.text(s.text);
    Fd target(open_in_root(c.root, path, O_PATH));
    if (!target) return missing() || c.fail(Stage::mask, path);
    bool directory = is_directory(target.get());
    if (directory && c.mask_dir < 0)
        return open_mask_dir(c) && (move_mount(c.mask_dir, target.get()) == 0 || c.fail(Stage::mask, path));
    if (!directory && c.dev_null < 0 && !open_null(c)) return false;
    Fd cover(open_tree(directory ? c.mask_dir : c.dev_null, "", OPEN_TREE_CLONE | AT_EMPTY_PATH));
    if (!cover || move_mount(cover.get(), target.get()) < 0) return c.fail(Stage::mask, path);
    return true;
}

bool step(Context& c, const ReadonlyPath& s) noexcept {
    const char* path = c.steps.text(s.text);
    Fd target(open_in_root(c.root, path, O_PATH));
    if (!target) return missing() || c.fail(Stage::mask, path);
    Fd copy(open_tree(target.get(), "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE));
    if (!copy || set_mount_attr(copy.get(), 0, MOUNT_ATTR_RDONLY, 0, 0) < 0 || move_mount(copy.get(), target.get()) < 0)
        return c.fail(Stage::mask, path);
    return true;
}

bool step(Context& c, const ReadonlyMount& s) noexcept {
    const char* path = c.steps.text(s.text);
    Fd target(open_in_root(c.root, path, O_PATH));
    return (target && set_mount_attr(target.get(), 0, MOUNT_ATTR_RDONLY, 0, 0) == 0) || c.fail(Stage::mount, path);
}

} // namespace davit::exec
