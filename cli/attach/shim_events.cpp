#include "cli/attach/shim_events.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <sys/eventfd.h>

namespace davit::cli {

Requests::Requests() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) throw sys_error(errno, "making an event descriptor");
}

void Requests::wake() const { ::eventfd_write(event_.get(), 1); }

void Requests::signal(int number) {
    {
        std::lock_guard lock(mutex_);
        pending_.signals.push_back(number);
    }
    wake();
}

void Requests::resize() {
    {
        std::lock_guard lock(mutex_);
        pending_.resize = true;
    }
    wake();
}

void Requests::detach() {
    {
        std::lock_guard lock(mutex_);
        pending_.detach = true;
    }
    wake();
}

Requests::Taken Requests::take() {
    eventfd_t ignored = 0;
    ::eventfd_read(event_.get(), &ignored);
    std::lock_guard lock(mutex_);
    return std::exchange(pending_, {});
}

} // namespace davit::cli
