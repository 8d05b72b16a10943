#include "cli/terminal.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::cli {

namespace {

// For the handlers below, which may only call async-signal-safe functions; tcsetattr is one.
std::atomic<int> changed_fd{-1};
termios saved, changed_to;
int when_restored = TCSANOW;
std::mutex changing; // of the threads; no handler takes it

void restore_saved() {
    const int fd = changed_fd.exchange(-1);
    if (fd >= 0 && in_foreground(fd)) ::tcsetattr(fd, when_restored, &saved);
}

void restore_and_die(int signal) {
    restore_saved();
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

// Every signal that ends a process and that nobody else takes.
void install_handlers() {
    static bool done = false;
    if (done) return;
    done = true;
    std::atexit(restore_saved);
    for (const int signal :
         {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,    SIGTRAP, SIGABRT, SIGBUS,    SIGFPE,  SIGUSR1, SIGSEGV, SIGUSR2,
          SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGSYS}) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(signal, restore_and_die);
    }
}

} // namespace

bool in_foreground(int fd) {
    const pid_t group = ::tcgetpgrp(fd); // fails for a terminal that is not this session's: nobody is stopped for that
    return group < 0 || group == ::getpgrp();
}

void restore_terminal() { restore_saved(); }

void leave_terminal() {
    const std::lock_guard lock(changing);
    const int fd = changed_fd;
    if (fd >= 0 && in_foreground(fd)) ::tcsetattr(fd, TCSANOW, &saved);
}

void return_to_terminal() {
    const std::lock_guard lock(changing);
    const int fd = changed_fd;
    if (fd >= 0 && in_foreground(fd)) ::tcsetattr(fd, TCSANOW, &changed_to);
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

TerminalSize terminal_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) < 0) return {};
    return {size.ws_row, size.ws_col};
}

bool use_ansi(const Globals& globals, int fd) {
    std::string when = globals.ansi;
    if (when.empty()) {
        const char* env = std::getenv("COMPOSE_ANSI");
        when = env ? env : "";
    }
    if (when == "always") return true;
    if (when == "never") return false;
    const char* no_color = std::getenv("NO_COLOR");
    return is_terminal(fd) && !(no_color && *no_color);
}

TerminalMode::TerminalMode(int fd, Kind kind) {
    const std::lock_guard lock(changing);
    if (!is_terminal(fd) || ::tcgetattr(fd, &saved) < 0) return;
    changed_to = saved;
    if (kind == Kind::raw) ::cfmakeraw(&changed_to);
    else changed_to.c_lflag &= ~static_cast<tcflag_t>(kind == Kind::hidden ? ECHO : ICANON | ECHO);
    when_restored = kind == Kind::raw ? TCSAFLUSH : TCSANOW; // what was typed for a container is not for the shell
    install_handlers();
    changed_fd = fd;
    // Raw mode is waited for: the kernel stops a process that asks for it in the background. What was typed before is
    // for the container.
    active_ = kind == Kind::keys && !in_foreground(fd)
                  ? true
                  : ::tcsetattr(fd, kind == Kind::raw ? TCSADRAIN : TCSANOW, &changed_to) == 0;
    if (!active_) changed_fd = -1;
}

TerminalMode::~TerminalMode() {
    const std::lock_guard lock(changing);
    if (active_) restore_saved();
}

} // namespace davit::cli
