#include "base/acceptor.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace davit {

namespace {
constexpr std::chrono::milliseconds pause{100};
constexpr unsigned most_per_turn = 32; // the loop has others to serve

bool is_shortage(int errnum) { return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM; }
} // namespace

void Acceptor::start(EventLoop& loop, int listener, Callback fn) {
    reset();
    loop_ = &loop;
    listener_ = listener;
    fn_ = std::move(fn);
    watch();
}

void Acceptor::reset() {
    ready_.reset();
    again_.reset();
    listener_ = -1;
}

void Acceptor::watch() {
    ready_ = loop_->watch_fd(listener_, EPOLLIN, [this](std::uint32_t) { take(); });
}

void Acceptor::take() {
    for (unsigned i = 0; i < most_per_turn && listener_ >= 0; ++i) {
        UniqueFd connection(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!connection) {
            if (!is_shortage(errno)) return;
            ready_.reset();
            again_ = loop_->after(pause, [this] { watch(); });
            return;
        }
        fn_(std::move(connection));
    }
}

} // namespace davit
