// What a container does next when it is asked to start, stop, die or go, and when its run is over. Pure: the caller
// acts, and asks again when something has happened.
#pragma once

#include "davit/error.hpp"
#include "project/record.hpp"
#include "supervisor/policy/restart_policy.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace davit::supervisor {

// What counts of a container between two events.
struct LifeView {
    ContainerState state = ContainerState::created;
    bool has_run = false;         // from the decision to start until its shim has ended
    bool has_shim = false;        // of that run
    bool restarts_later = false;  // the restart policy waits
    bool init_is_gone = false;    // its process has ended, and its shim has not said so yet; for on_removal()
    int post_start_left = 0;      // hooks that did not begin in this run
    int pre_stop_left = 0;        // likewise
    bool stopped_by_user = false; // a stop has been asked for already

    bool running() const { return state == ContainerState::running || state == ContainerState::paused; }
    bool active() const { return has_run || restarts_later; }
};

enum class StartStep {
    nothing,      // it runs, and its hooks have begun
    finish_hooks, // an earlier supervisor began the start
    join,         // it is being started at this moment
    begin,
};
StartStep on_start(const LifeView& view);

enum class StopStep {
    nothing,        // it is down
    cancel_restart, // it is down already, and stays so
    run_hooks,      // pre_stop first, then the signal
    send_signal,
};
StopStep on_stop(const LifeView& view, bool with_hooks);

struct KillStep {
    enum class Kind {
        nothing, // there is no process that could have it
        cancel_restart,
        kill,        // SIGKILL; who asks waits for the end
        send_signal, // who asks waits until it was sent
    } kind = Kind::nothing;
    bool stays_down = false; // no restart policy brings it back
    bool thaw = false;       // a frozen process would not see the signal
};
// As Docker: SIGKILL and the container's own stop signal say that it is to stay down.
KillStep on_kill(const LifeView& view, int signal, int stop_signal);

enum class RemovalStep {
    remove,         // it is down
    wait_for_end,   // its process has ended: what its shim says comes first
    cancel_restart, // then remove
    kill,           // then remove
    refuse,         // it runs, and this is not by force
};
RemovalStep on_removal(const LifeView& view, bool force);

// How a run ended: what its shim said, or why there never was a process.
struct RunEnd {
    struct Exit {
        int code = 0;
        bool known = true, oom = false;
        std::int64_t time_ns = 0;
    };
    std::optional<Exit> exit;
    std::optional<Error> failed;
    bool by_policy = false; // the restart policy began it
    std::chrono::nanoseconds ran_for{};
};

struct AfterRun {
    ContainerStatus status; // nothing of it is in the kernel any more
    RestartPolicy::Decision next;
    bool ran = false;    // its init had exec'd
    bool remove = false; // --rm, and it does not come back
};
// now: ns since the epoch. policy: counts the end, where it is one that the policy is asked about.
AfterRun after_run(const ContainerRecord& record, const ContainerStatus& status, const RunEnd& end,
                   RestartPolicy& policy, bool machine_goes_down, std::int64_t now);

} // namespace davit::supervisor
