// A single-threaded loop over epoll. Timers are one heap, signals one signalfd, children pidfds.
#pragma once

#include "base/fd.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace davit {

class EventLoop {
public:
    using FdCallback = std::function<void(std::uint32_t events)>;
    using Callback = std::function<void()>;
    using Clock = std::chrono::steady_clock;
    using WatchId = std::uint64_t;

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;

    // Ends a registration when destroyed. Safe inside any callback, and after the loop's end.
    class Watch {
    public:
        Watch() = default;
        Watch(std::weak_ptr<void> loop, std::function<void()> end) : loop_(std::move(loop)), end_(std::move(end)) {}
        Watch(Watch&& o) noexcept : loop_(std::move(o.loop_)), end_(std::exchange(o.end_, nullptr)) {}
        Watch& operator=(Watch&& o) noexcept;
        ~Watch() { reset(); }
        void reset();
        explicit operator bool() const { return static_cast<bool>(end_); }

    private:
        std::weak_ptr<void> loop_;
        std::function<void()> end_;
    };

    // events: EPOLLIN | EPOLLOUT … (level triggered). The fd must outlive the watch.
    [[nodiscard]] Watch watch_fd(int fd, std::uint32_t events, FdCallback fn);
    void change_events(int fd, std::uint32_t events);
    [[nodiscard]] Watch after(std::chrono::nanoseconds delay, Callback fn);
    // Blocks the signal for the process and calls fn with siginfo's sender pid.
    [[nodiscard]] Watch watch_signal(int signal, std::function<void(int pid)> fn);
    // Runs at the end of this turn, once.
    void post(Callback fn);

    // Until stop(). An exception of a callback ends the loop and leaves run().
    void run();
    void run_once(std::chrono::milliseconds limit);
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace davit
