// What the helpers of processes and the shim know of each other (exec/birth.cpp).
#include "runtime/shim/shim.hpp"

#include <sys/mman.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace davit::shim {

using exec::Stage;

// A page that helpers share with us: one place for each exec, and one for an init.
exec::Birth* Shim::birth_place(std::size_t index) noexcept {
    static_assert(sizeof(exec::Birth) * (max_execs + 1) <= 4096);
    if (!births_) {
        void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return nullptr;
        births_ = static_cast<exec::Birth*>(page);
    }
    births_[index] = {};
    return &births_[index];
}

void Shim::prepare_helper(exec::Context& c, exec::Birth* birth) noexcept {
    c.birth = birth;
    c.secrets[0] = {reinterpret_cast<char*>(this), sizeof *this};
    c.secrets[1] = arguments_;
    c.secrets[2] = request_;
}

// Before anything is reaped: the number is still its own.
void Shim::meet_init() noexcept {
    pid_t pid = init_helper_ ? births_[max_execs].pid : 0;
    if (!pid || init_ != init_helper_) return;
    init_ = pid;
    init_start_ = process_start_time(init_);
    init_pidfd_.reset(exec::to_int(::syscall(SYS_pidfd_open, init_, 0)));
}

void Shim::init_helper_ended() noexcept {
    if (init_channel_) on_init_channel(); // what it said last
    pid_t helper = init_helper_;
    init_helper_ = 0;
    if (start_failed_) return;
    if (init_ == helper) {
        init_ = 0;
        int why = births_[max_execs].errnum;
        context_.fail(Stage::clone, why, why ? "" : "the set-up was killed");
        return fail_start(context_.report);
    }
    launched_ = true;
    started();
    if (init_ended_early_) init_ended(exit_code_, exit_signal_, true);
}

} // namespace davit::shim
