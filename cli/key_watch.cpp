#include "cli/key_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit::cli {

KeyWatch::KeyWatch(bool enabled, char key, std::function<void()> pressed) : enabled_(enabled && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!enabled_) return;
    resume();
    end_.reset(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this, key, pressed = std::move(pressed)] {
        for (;;) {
            pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {end_.get(), POLLIN, 0}};
            if (::poll(fds, 2, -1) < 0 || fds[1].revents) return;
            char typed = 0;
            if (::read(STDIN_FILENO, &typed, 1) != 1) return;
            if (typed == key) pressed();
        }
    });
}

void KeyWatch::resume() const {
    if (!enabled_ || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return; // in the background: not ours
    termios mode = before_;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

KeyWatch::~KeyWatch() {
    if (!enabled_) return;
    ::eventfd_write(end_.get(), 1);
    thread_.join();
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

} // namespace davit::cli
