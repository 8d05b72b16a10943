#include "engine/attach/quiet_write.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <unistd.h>

namespace davit {

ssize_t write_quietly(int fd, std::string_view bytes) {
    sigset_t pipe, before, pending;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::sigpending(&pending);
    const bool was_pending = ::sigismember(&pending, SIGPIPE) != 0;
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    const int failure = errno;
    if (n < 0 && failure == EPIPE && !was_pending) {
        const timespec now{};
        while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {}
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = failure;
    return n;
}

bool write_all_quietly(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = write_quietly(fd, bytes);
        if (n >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EAGAIN) {
            pollfd room{fd, POLLOUT, 0};
            ::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

} // namespace davit
