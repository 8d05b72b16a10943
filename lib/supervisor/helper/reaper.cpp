#include "supervisor/helper/reaper.hpp"

#include <csignal>
#include <sys/wait.h>

namespace davit::supervisor {

namespace {
// An orphan nobody asks for must not be remembered for ever.
constexpr std::size_t early_limit = 256;
}

Reaper::Reaper(EventLoop& loop) : loop_(loop) {
    watch_ = loop.watch_signal(SIGCHLD, [this](int) { reap(); });
    loop.post([this] { reap(); }); // what ended before the signal was watched
}

void Reaper::expect(pid_t pid, Callback fn) {
    auto it = early_.find(pid);
    if (it == early_.end()) {
        expected_[pid] = std::move(fn);
        return;
    }
    ExitStatus status = it->second;
    early_.erase(it);
    loop_.post([fn = std::move(fn), status] { fn(status); });
}

void Reaper::reap() {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) return;
        ExitStatus status{info.si_status, 0};
        if (info.si_code != CLD_EXITED) status = {128 + info.si_status, info.si_status};
        auto it = expected_.find(info.si_pid);
        if (it == expected_.end()) {
            if (early_.size() >= early_limit) early_.erase(early_.begin());
            early_[info.si_pid] = status;
            continue;
        }
        Callback fn = std::move(it->second);
        expected_.erase(it);
        fn(status);
    }
}

} // namespace davit::supervisor
