// What Docker says in `service ps`, `task inspect` and UpdateStatus.
#pragma once

#include "davit/swarm.hpp"

#include <string>
#include <string_view>

namespace davit::swarm::texts {

inline constexpr const char* pending = "pending task scheduling";
inline constexpr const char* assigned = "scheduler assigned task to node";
inline constexpr const char* confirmed = "scheduler confirmed task can run on preassigned node";
inline constexpr const char* enforced = "task rejected by constraint enforcer";
inline constexpr const char* no_longer_fits = "assigned node no longer meets constraints";

inline constexpr const char* updating = "update in progress";
inline constexpr const char* update_completed = "update completed";
inline constexpr const char* rollback_completed = "rollback completed";

inline std::string paused(const std::string& task) {
    return "update paused due to failure or early termination of task " + task;
}
inline std::string rollback_paused(const std::string& task) {
    return "rollback paused due to failure or early termination of task " + task;
}
inline std::string rolled_back(const std::string& task) {
    return "update rolled back due to failure or early termination of task " + task;
}

// What a task says of itself in a state; nullptr: what it said before stays.
inline const char* of(TaskState state) {
    switch (state) {
    case TaskState::pending: return pending;
    case TaskState::assigned: return assigned;
    case TaskState::accepted: return "accepted";
    case TaskState::preparing: return "preparing";
    case TaskState::ready: return "prepared";
    case TaskState::starting: return "starting";
    case TaskState::running: return "started";
    case TaskState::complete: return "finished";
    case TaskState::shutdown: return "shutdown";
    default: return nullptr;
    }
}

// Of a task whose container ended because the machine did: neither a failure of its own nor an attempt.
inline constexpr const char* machine_went_down = "task: the machine went down";

inline std::string exit_error(int code) { return "task: non-zero exit (" + std::to_string(code) + ")"; }

// Of a container that was stopped because its check failed.
inline std::string unhealthy(int code) {
    return code == 0 ? "task: unhealthy container" : exit_error(code) + ": dockerexec: unhealthy container";
}

// Of a container that could not be started. What is wrong with its command the runtime of Docker's engine finds.
inline std::string not_started(std::string_view why) {
    std::string out = "starting container failed: ";
    const bool command = why.starts_with("exec: \"");
    if (command || why.starts_with("sysctl \""))
        out +=
            "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create "
            "failed: ";
    if (command) out += "unable to start container process: error during container init: ";
    return out.append(why);
}

} // namespace davit::swarm::texts
