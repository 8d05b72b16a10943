#include "cli/terminal.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::cli {

namespace {

// For the handlers below, which may only call async-signal-safe functions; tcsetattr is one.
std::atomic<int> raw_fd{-1};
termios saved;

void restore_saved() {
    const int fd = raw_fd.exchange(-1);
    if (fd >= 0) ::tcsetattr(fd, TCSAFLUSH, &saved);
}

void restore_and_die(int signal) {
    restore_saved();
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

void install_handlers() {
    static bool done = false;
    if (done) return;
    done = true;
    std::atexit(restore_saved);
    for (const int signal : {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, restore_and_die);
}

} // namespace

void restore_terminal() { restore_saved(); }

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

RawTerminal::RawTerminal(int fd) : fd_(fd) {
    if (!is_terminal(fd) || ::tcgetattr(fd, &saved) < 0) return;
    install_handlers();
    raw_fd = fd;
    termios raw = saved;
    ::cfmakeraw(&raw);
    active_ = ::tcsetattr(fd, TCSAFLUSH, &raw) == 0;
}

RawTerminal::~RawTerminal() { restore(); }

void RawTerminal::restore() noexcept {
    if (active_) restore_saved();
    active_ = false;
}

} // namespace davit::cli
