// Standard streams: a terminal of the container's own devpts, or what the shim made.
#include "runtime/exec/context.hpp"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

namespace davit::exec {
namespace {

// The multiplexer of the devpts that is really mounted there, whatever an image or container put at /dev/ptmx.
int open_multiplexer() noexcept {
    Fd fd(::open("/dev/pts/ptmx", O_PATH | O_CLOEXEC | O_NOFOLLOW));
    struct stat st {};
    struct statfs fs {};
    if (!fd || ::fstat(fd.get(), &st) < 0 || ::fstatfs(fd.get(), &fs) < 0) return -1;
    if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != ::makedev(5, 2))
        return errno = ENODEV, -1;
    return ::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
}

// CVE-2025-52565: the terminal is bound on /dev/console by descriptor, onto a file that is no link.
bool bind_console(Context& c, int slave) noexcept {
    Fd dev(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!dev) return c.fail(Stage::terminal, "/dev");
    Fd file(::openat(dev.get(), "console", O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
    Fd target(::openat(dev.get(), "console", O_PATH | O_CLOEXEC | O_NOFOLLOW));
    Fd copy(open_tree(slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH));
    if (!target || !copy || move_mount(copy.get(), target.get()) < 0) return c.fail(Stage::terminal, "/dev/console");
    return true;
}

} // namespace

bool open_terminal(Context& c) noexcept {
    const StepsHeader& head = c.steps.header();
    Fd master(open_multiplexer());
    int unlock = 0;
    if (!master || ::ioctl(master.get(), TIOCSPTLCK, &unlock) < 0) return c.fail(Stage::terminal, "/dev/pts/ptmx");
    // The other end without a path: /dev/pts/N could be anything.
    c.console = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c.console < 0) return c.fail(Stage::terminal, "/dev/pts");
    if (head.rows && head.columns) {
        winsize size{head.rows, head.columns, 0, 0};
        ::ioctl(master.get(), TIOCSWINSZ, &size);
    }
    // Not the group: devpts' gid=5 is what the container's tools expect.
    if (c.account.uid && ::fchown(c.console, c.account.uid, static_cast<gid_t>(-1)) < 0)
        return c.fail(Stage::terminal, "owner");
    if (head.kind == StepsKind::container && !bind_console(c, c.console)) return false;
    Report r{};
    r.kind = ReportKind::console;
    return c.send(r, master.get()) || c.fail(Stage::terminal, "handing it over");
}

namespace {

bool is_own_null(const Context& c, int fd) noexcept {
    struct stat st {};
    return fd >= 0 && ::fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == ::makedev(1, 3) &&
           st.st_dev != c.hosts_dev;
}

// Never the host's node: whoever has it open can change its mode and owner for the whole machine. The
// container's own is opened only once it is known to be the device (a fifo would block), else there is a
// pipe without another end.
int open_nothing(Context& c, int mode) noexcept {
    Fd dev(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    Fd seen(dev ? ::openat(dev.get(), "null", O_PATH | O_CLOEXEC | O_NOFOLLOW) : -1);
    Fd null(is_own_null(c, seen.get())
                ? ::openat(dev.get(), "null", mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW)
                : -1);
    if (is_own_null(c, null.get()) && ::fcntl(null.get(), F_SETFL, 0) == 0) return null.release();
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return c.fail(Stage::stdio, "/dev/null"), -1;
    ::close(ends[mode == O_RDONLY ? 1 : 0]);
    return ends[mode == O_RDONLY ? 0 : 1];
}

} // namespace

bool take_session(Context& c) noexcept {
    ::setsid();
    return c.console < 0 || ::ioctl(0, TIOCSCTTY, 0) == 0 || c.fail(Stage::terminal, "controlling terminal");
}

bool connect_stdio(Context& c) noexcept {
    for (int i = 0; i < 3; ++i) {
        if (c.console >= 0) c.stdio[i] = c.console;
        else if (c.stdio[i] < 0 && (c.stdio[i] = open_nothing(c, i == 0 ? O_RDONLY : O_WRONLY)) < 0) return false;
    }
    // Above 2 first, so that no dup2 overwrites a source that is still needed.
    for (int& fd : c.stdio)
        if ((fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) return c.fail(Stage::stdio, "");
    for (int i = 0; i < 3; ++i)
        if (::dup2(c.stdio[i], i) < 0) return c.fail(Stage::stdio, "");
    return true;
}

} // namespace davit::exec
