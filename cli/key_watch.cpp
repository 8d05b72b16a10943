#include "cli/key_watch.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit::cli {

KeyWatch::KeyWatch(bool enabled, std::function<void(char)> pressed) : pressed_(std::move(pressed)) {
    if (!enabled) return;
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) throw sys_error(errno, "making an event descriptor");
    mode_.emplace(STDIN_FILENO, TerminalMode::Kind::keys);
    thread_ = std::thread([this] { read_keys(); });
}

void KeyWatch::read_keys() {
    bool open = true;
    while (!over_) {
        // Who reads in the background is stopped by the kernel.
        pollfd fds[] = {{open && in_foreground(STDIN_FILENO) ? STDIN_FILENO : -1, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
        eventfd_t ignored = 0;
        ::eventfd_read(wake_.get(), &ignored);
        if (over_ || !fds[0].revents || !in_foreground(STDIN_FILENO)) continue;
        char typed = 0;
        open = ::read(STDIN_FILENO, &typed, 1) == 1;
        if (open) pressed_(typed);
    }
}

void KeyWatch::resumed() {
    if (wake_) ::eventfd_write(wake_.get(), 1);
}

KeyWatch::~KeyWatch() {
    over_ = true;
    resumed();
    if (thread_.joinable()) thread_.join();
}

} // namespace davit::cli
