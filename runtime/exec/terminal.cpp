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
    struct stat st{};
    struct statfs fs{};
    if (!fd || ::fstat(fd.get(), &st) < 0 || ::fstatfs(fd.get(), &fs) < 0) return -1;
    if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != ::makedev(5, 2)) return errno = ENODEV, -1;
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
    const PlanHeader& head = c.plan.header();
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
    if (c.account.uid && ::fchown(c.console, c.account.uid, static_cast<gid_t>(-1)) < 0) return c.fail(Stage::terminal, "owner");
    if (head.kind == PlanKind::container && !bind_console(c, c.console)) return false;
    Report r{};
    r.kind = ReportKind::console;
    return c.send(r, master.get()) || c.fail(Stage::terminal, "handing it over");
}

bool connect_stdio(Context& c) noexcept {
    ::setsid();
    if (c.console >= 0) {
        if (::ioctl(c.console, TIOCSCTTY, 0) < 0) return c.fail(Stage::terminal, "controlling terminal");
        for (int& fd : c.stdio) fd = c.console;
    } else if (c.stdio[0] < 0) {
        c.stdio[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (c.stdio[0] < 0) return c.fail(Stage::stdio, "/dev/null");
    }
    // Above 2 first, so that no dup2 overwrites a source that is still needed.
    for (int& fd : c.stdio)
        if ((fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) return c.fail(Stage::stdio, "");
    for (int i = 0; i < 3; ++i)
        if (::dup2(c.stdio[i], i) < 0) return c.fail(Stage::stdio, "");
    return true;
}

} // namespace davit::exec
