#include "net/proxy/loop.hpp"

#include <cerrno>
#include <ctime>
#include <sys/epoll.h>

namespace davit::net::proxy {

bool Loop::open() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    return epoll_ >= 0;
}

bool Loop::add(int fd, std::uint32_t events, Handler* handler) {
    epoll_event e{};
    e.events = events;
    e.data.ptr = handler;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e) == 0;
}

void Loop::change(int fd, std::uint32_t events, Handler* handler) {
    epoll_event e{};
    e.events = events;
    e.data.ptr = handler;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &e);
}

// Before close: other processes hold copies of listening sockets, which would keep them in the set.
void Loop::forget(int fd) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void Loop::retire(Handler* handler) {
    if (handler->gone_) return;
    handler->gone_ = true;
    handler->next_dead_ = dead_;
    dead_ = handler;
}

bool Loop::turn(int limit) {
    epoll_event events[64];
    const int n = ::epoll_wait(epoll_, events, 64, limit);
    if (n < 0 && errno != EINTR) return false;
    for (int i = 0; i < n; ++i) {
        auto* handler = static_cast<Handler*>(events[i].data.ptr);
        if (!handler->gone_) handler->on_event(events[i].events);
    }
    while (dead_) {
        Handler* handler = dead_;
        dead_ = handler->next_dead_;
        handler->destroy();
    }
    return true;
}

std::int64_t now_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

} // namespace davit::net::proxy
