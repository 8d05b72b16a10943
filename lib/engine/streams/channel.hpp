// From the thread that makes a blocking call to whoever polls a descriptor: bounded, in order, with an end.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <sys/eventfd.h>
#include <utility>

namespace davit {

// eventfd(2): readable while its count is not 0. Here that is: there is something to take, or the end has come.
template <typename T>
class Channel {
public:
    explicit Channel(std::size_t limit) : limit_(limit), ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!ready_) throw sys_error(errno, "making an event descriptor");
    }

    int fd() const noexcept { return ready_.get(); }

    // --- The thread. Blocks while more than the limit waits to be taken. false: nobody takes any more.
    bool push(T item, std::size_t weight) {
        std::unique_lock guard(mutex_);
        room_.wait(guard, [&] { return left_ || waiting_ < limit_; });
        if (left_) return false;
        items_.emplace_back(std::move(item), weight);
        waiting_ += weight;
        if (items_.size() == 1) ::eventfd_write(ready_.get(), 1);
        return true;
    }
    void end(std::exception_ptr why = {}) {
        const std::lock_guard guard(mutex_);
        if (std::exchange(ended_, true)) return;
        failure_ = std::move(why);
        if (items_.empty()) ::eventfd_write(ready_.get(), 1);
    }

    // --- Whoever polls.
    std::optional<T> take() {
        const std::lock_guard guard(mutex_);
        if (items_.empty()) {
            if (failure_) std::rethrow_exception(std::exchange(failure_, {}));
            return std::nullopt;
        }
        auto [item, weight] = std::move(items_.front());
        items_.pop_front();
        waiting_ -= weight;
        room_.notify_one();
        eventfd_t count = 0;
        if (items_.empty() && !ended_) ::eventfd_read(ready_.get(), &count);
        return std::move(item);
    }
    bool done() const {
        const std::lock_guard guard(mutex_);
        return ended_ && items_.empty() && !failure_;
    }
    void leave() {
        const std::lock_guard guard(mutex_);
        left_ = true;
        room_.notify_all();
    }

private:
    const std::size_t limit_; // of the items' weights
    UniqueFd ready_;
    mutable std::mutex mutex_;
    std::condition_variable room_;
    std::deque<std::pair<T, std::size_t>> items_;
    std::size_t waiting_ = 0;
    bool ended_ = false, left_ = false;
    std::exception_ptr failure_;
};

} // namespace davit
