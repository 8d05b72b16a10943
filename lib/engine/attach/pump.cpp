#include "engine/attach/pump.hpp"

#include "base/error.hpp"
#include "base/thread.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit {

namespace {
constexpr std::size_t most_at_end = 1u << 20; // what a pipe holds at most: who writes on is not waited for
}

Pump::Pump(Ends ends) : ends_(std::move(ends)), end_(::eventfd(0, EFD_CLOEXEC)) {
    if (!end_) throw sys_error(errno, "making an event descriptor");
    if (ends_.owned_from) ends_.from = ends_.owned_from.get();
    if (ends_.owned_to) ends_.to = ends_.owned_to.get();
    if (ends_.wait_for_room) ::fcntl(ends_.to, F_SETFL, ::fcntl(ends_.to, F_GETFL) | O_NONBLOCK);
    thread_ = started<std::thread>([this] { run(); });
}

Pump::~Pump() { finish(); }

void Pump::finish() {
    if (!thread_.joinable()) return;
    ::eventfd_write(end_.get(), 1);
    thread_.join();
}

void Pump::run() {
    // Who reads no more is an error of write() here, not a signal; what is blocked in a thread stays in it.
    sigset_t pipe;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    char buffer[32768];
    std::size_t at_end = 0; // read since the end was told
    for (;;) {
        pollfd fds[] = {{ends_.from, POLLIN, 0}, {end_.get(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0) {
            if (errno == EINTR) continue;
            break;
        }
        if (!fds[0].revents || at_end >= most_at_end) break; // told to end, and nothing more to read
        const ssize_t n = ::read(ends_.from, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            if (errno == EAGAIN && fds[1].revents) break;
            continue;
        }
        if (n <= 0) break; // the end; EIO is the end of a terminal
        if (fds[1].revents) at_end += static_cast<std::size_t>(n);
        const std::string_view bytes(buffer, static_cast<std::size_t>(n));
        if (!ends_.typed) {
            if (!pass(bytes)) break;
            continue;
        }
        std::string text(bytes);
        const bool more = ends_.typed(text);
        if (!pass(text)) break;
        if (!more) {
            if (ends_.left) ends_.left();
            break;
        }
    }
    ends_.owned_from.reset(); // a writer learns that nobody reads
    ends_.owned_to.reset();
}

bool Pump::pass(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(ends_.to, bytes.data(), bytes.size());
        if (n >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return false;
        pollfd fds[] = {{ends_.to, POLLOUT, 0}, {end_.get(), POLLIN, 0}};
        // A stdout that somebody else made non-blocking has to be waited for to the end.
        if (::poll(fds, ends_.wait_for_room ? 2 : 1, -1) < 0 && errno != EINTR) return false;
        if (ends_.wait_for_room && fds[1].revents) return false;
    }
    return true;
}

} // namespace davit
