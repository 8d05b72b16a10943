#include "engine/attach/control.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <utility>

namespace davit {

SessionControl::Requests::Requests() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw sys_error(errno, "making an event descriptor");
}

void SessionControl::Requests::wake() const { ::eventfd_write(event_.get(), 1); }

void SessionControl::Requests::signal(int number) {
    {
        std::lock_guard lock(mutex_);
        pending_.signals.push_back(number);
    }
    wake();
}

void SessionControl::Requests::resize(WindowSize size) {
    {
        std::lock_guard lock(mutex_);
        if (apply_size_) return apply_size_(size);
        pending_.size = size;
    }
    wake();
}

void SessionControl::Requests::apply_sizes_by(std::function<void(WindowSize)> apply) {
    std::lock_guard lock(mutex_);
    apply_size_ = std::move(apply);
    if (apply_size_ && pending_.size) apply_size_(*std::exchange(pending_.size, {}));
}

void SessionControl::Requests::detach() {
    {
        std::lock_guard lock(mutex_);
        pending_.detach = true;
    }
    wake();
}

SessionControl::Requests::Taken SessionControl::Requests::take() {
    eventfd_t ignored = 0;
    ::eventfd_read(event_.get(), &ignored);
    std::lock_guard lock(mutex_);
    return std::exchange(pending_, {});
}

SessionControl::SessionControl() : requests_(std::make_shared<Requests>()) {}
void SessionControl::signal(int number) { requests_->signal(number); }
void SessionControl::resize(WindowSize size) { requests_->resize(size); }
void SessionControl::detach() { requests_->detach(); }

} // namespace davit
