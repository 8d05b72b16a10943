#include "base/event_loop.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <map>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unordered_map>

namespace davit {

struct EventLoop::Impl {
    struct FdEntry {
        WatchId id;
        std::shared_ptr<FdCallback> fn;
    };
    UniqueFd epoll;
    UniqueFd signal_fd;
    sigset_t signals;
    WatchId next = 1;
    bool stopping = false;
    std::unordered_map<int, FdEntry> fds;
    // Descriptor → events: what the kernel takes no watch for. fs.epoll.max_user_watches counts all that root's
    // processes have, those in containers too.
    std::map<int, std::uint32_t> polled;
    std::map<std::pair<Clock::time_point, WatchId>, Callback> timers;
    std::unordered_map<int, std::pair<WatchId, std::function<void(int)>>> signal_fns;
    std::vector<Callback> posted;

    void run_timers();
    void run_posted();
    void read_signals();
    int timeout(std::chrono::milliseconds limit) const;
    void watch_signals();
    WatchId id_of(int fd) const; // of the watch that it has now
    void dispatch(int fd, std::uint32_t events);
    void turn_polled(std::chrono::milliseconds limit);
    void turn(std::chrono::milliseconds limit);
};

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& o) noexcept {
    if (this != &o) {
        reset();
        loop_ = std::move(o.loop_);
        end_ = std::exchange(o.end_, nullptr);
    }
    return *this;
}

void EventLoop::Watch::reset() {
    auto end = std::exchange(end_, nullptr);
    if (end && loop_.lock()) end();
}

namespace {

// What the kernel gives back with an event: the descriptor, and which watch of it, as far as there is room.
std::uint64_t mark_of(int fd, EventLoop::WatchId id) { return id << 32 | static_cast<std::uint32_t>(fd); }
int fd_of(std::uint64_t mark) { return static_cast<int>(mark & 0xffffffffU); }

} // namespace

EventLoop::EventLoop() : impl_(std::make_shared<Impl>()) {
    impl_->epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!impl_->epoll) throw sys_error(errno, "making an epoll set");
    sigemptyset(&impl_->signals);
}

EventLoop::~EventLoop() = default;

EventLoop::Watch EventLoop::watch_fd(int fd, std::uint32_t events, FdCallback fn) {
    Impl* impl = impl_.get();
    WatchId id = impl->next++;
    epoll_event ev{};
    ev.events = events;
    ev.data.u64 = mark_of(fd, id);
    // The fd number may have been closed and reused before its old watch ended.
    impl->polled.erase(fd);
    if (::epoll_ctl(impl->epoll.get(), EPOLL_CTL_ADD, fd, &ev) < 0 &&
        (errno != EEXIST || ::epoll_ctl(impl->epoll.get(), EPOLL_CTL_MOD, fd, &ev) < 0)) {
        if (errno != ENOSPC) throw sys_error(errno, "watching descriptor {}", fd);
        impl->polled[fd] = events;
    }
    impl->fds[fd] = {id, std::make_shared<FdCallback>(std::move(fn))};
    return Watch(impl_, [impl, fd, id] {
        auto it = impl->fds.find(fd);
        if (it == impl->fds.end() || it->second.id != id) return;
        impl->fds.erase(it);
        if (impl->polled.erase(fd)) return;
        ::epoll_ctl(impl->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
    });
}

void EventLoop::change_events(int fd, std::uint32_t events) {
    if (auto it = impl_->polled.find(fd); it != impl_->polled.end()) {
        it->second = events;
        return;
    }
    epoll_event ev{};
    ev.events = events;
    ev.data.u64 = mark_of(fd, impl_->id_of(fd));
    if (::epoll_ctl(impl_->epoll.get(), EPOLL_CTL_MOD, fd, &ev) < 0)
        throw sys_error(errno, "watching descriptor {}", fd);
}

EventLoop::Watch EventLoop::after(std::chrono::nanoseconds delay, Callback fn) {
    Impl* impl = impl_.get();
    std::pair key{Clock::now() + std::chrono::duration_cast<Clock::duration>(delay), impl->next++};
    impl->timers.emplace(key, std::move(fn));
    return Watch(impl_, [impl, key] { impl->timers.erase(key); });
}

EventLoop::Watch EventLoop::watch_signal(int signal, std::function<void(int)> fn) {
    Impl* impl = impl_.get();
    sigaddset(&impl->signals, signal);
    ::sigprocmask(SIG_BLOCK, &impl->signals, nullptr);
    int fd = ::signalfd(impl->signal_fd.get(), &impl->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) throw sys_error(errno, "watching signals");
    if (!impl->signal_fd) {
        impl->signal_fd.reset(fd);
        impl->watch_signals();
    }
    WatchId id = impl->next++;
    impl->signal_fns[signal] = {id, std::move(fn)};
    return Watch(impl_, [impl, signal, id] {
        auto it = impl->signal_fns.find(signal);
        if (it != impl->signal_fns.end() && it->second.first == id) impl->signal_fns.erase(it);
    });
}

void EventLoop::post(Callback fn) { impl_->posted.push_back(std::move(fn)); }
void EventLoop::stop() { impl_->stopping = true; }

void EventLoop::run() {
    auto keep = impl_;
    keep->stopping = false;
    while (!keep->stopping) keep->turn(std::chrono::hours(1));
}

void EventLoop::run_once(std::chrono::milliseconds limit) {
    auto keep = impl_;
    keep->turn(limit);
}

int EventLoop::Impl::timeout(std::chrono::milliseconds limit) const {
    if (!posted.empty()) return 0;
    auto wait = limit;
    if (!timers.empty()) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first.first - Clock::now());
        wait = std::min(wait, std::max(left, std::chrono::milliseconds(0)));
    }
    return static_cast<int>(wait.count());
}

void EventLoop::Impl::watch_signals() {
    const int fd = signal_fd.get();
    epoll_event ev{};
    ev.events = EPOLLIN;
    ev.data.u64 = mark_of(fd, 0);
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &ev) == 0) return;
    if (errno != ENOSPC) throw sys_error(errno, "watching signals");
    polled[fd] = EPOLLIN;
}

void EventLoop::Impl::turn(std::chrono::milliseconds limit) {
    epoll_event events[64];
    if (!polled.empty()) turn_polled(limit);
    int n = ::epoll_wait(epoll.get(), events, 64, polled.empty() ? timeout(limit) : 0);
    if (n < 0 && errno != EINTR) throw sys_error(errno, "waiting for events");
    for (int i = 0; i < n; ++i) {
        const int fd = fd_of(events[i].data.u64);
        // One that an earlier callback of this turn has closed may have given its number to another: not its event.
        if (mark_of(fd, id_of(fd)) == events[i].data.u64) dispatch(fd, events[i].events);
    }
    run_timers();
    run_posted();
}

EventLoop::WatchId EventLoop::Impl::id_of(int fd) const {
    const auto it = fds.find(fd);
    return it == fds.end() ? 0 : it->second.id;
}

void EventLoop::Impl::dispatch(int fd, std::uint32_t events) {
    if (signal_fd && fd == signal_fd.get()) return read_signals();
    auto it = fds.find(fd);
    if (it == fds.end()) return; // ended by an earlier callback of this turn
    auto fn = it->second.fn;     // the callback may end its own watch
    (*fn)(events);
}

// EPOLLIN, EPOLLOUT, EPOLLHUP … have the values of their POLL namesakes.
void EventLoop::Impl::turn_polled(std::chrono::milliseconds limit) {
    std::vector<pollfd> all{{epoll.get(), POLLIN, 0}};
    std::vector<WatchId> ids{0};
    for (const auto& [fd, events] : polled) {
        all.push_back({fd, static_cast<short>(events), 0});
        ids.push_back(id_of(fd));
    }
    if (::poll(all.data(), all.size(), timeout(limit)) < 0 && errno != EINTR)
        throw sys_error(errno, "waiting for events");
    for (std::size_t i = 1; i < all.size(); ++i)
        if (all[i].revents && polled.contains(all[i].fd) && id_of(all[i].fd) == ids[i])
            dispatch(all[i].fd, static_cast<std::uint32_t>(all[i].revents));
}

void EventLoop::Impl::run_timers() {
    auto now = Clock::now();
    while (!timers.empty() && timers.begin()->first.first <= now) {
        auto fn = std::move(timers.begin()->second);
        timers.erase(timers.begin());
        fn();
    }
}

void EventLoop::Impl::run_posted() {
    std::vector<Callback> now;
    now.swap(posted);
    for (auto fn = now.begin(); fn != now.end(); ++fn) try {
            (*fn)();
        } catch (...) { // what one throws is not to lose the others
            posted.insert(posted.begin(), std::make_move_iterator(fn + 1), std::make_move_iterator(now.end()));
            throw;
        }
}

void EventLoop::Impl::read_signals() {
    signalfd_siginfo info{};
    while (::read(signal_fd.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        auto it = signal_fns.find(static_cast<int>(info.ssi_signo));
        if (it == signal_fns.end()) continue;
        auto fn = it->second.second;
        fn(static_cast<int>(info.ssi_pid));
    }
}

} // namespace davit
