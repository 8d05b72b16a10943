// One place that reaps: children of the supervisor, and orphans that come to it as subreaper.
#pragma once

#include "base/event_loop.hpp"
#include "base/process.hpp"

#include <functional>
#include <map>
#include <sys/types.h>

namespace davit::supervisor {

class Reaper {
public:
    using Callback = std::function<void(const ExitStatus&)>;

    explicit Reaper(EventLoop& loop);

    // Called once, also for a child that was reaped before anybody asked for it.
    void expect(pid_t pid, Callback fn);
    // The number belongs to a new process now.
    void clear(pid_t pid) { early_.erase(pid); }

private:
    void reap();
    std::map<pid_t, Callback> expected_;
    std::map<pid_t, ExitStatus> early_;
    EventLoop& loop_;
    EventLoop::Watch watch_;
};

} // namespace davit::supervisor
