// What happened and happens to a project's containers, in Docker's words, over the lives of its supervisors. What a
// plan does and how far it is, is told by EngineOptions::events and Engine::subscribe() (event.hpp).
#pragma once

#include "davit/engine.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

struct ContainerEvent {
    std::int64_t time_ns = 0; // since the epoch
    // create, start, die, kill, stop, destroy, pause, unpause, oom, health_status
    std::string action;
    std::string service, id, name, image;
};

struct EventRange {
    // With what the records still tell of the time before: when each container was made, started and ended last.
    // Absent: from now on.
    std::optional<std::int64_t> since;
    std::optional<std::int64_t> until; // ns since the epoch; absent: without end
};

// Calls sink, in this thread, with each event until it returns false, `until` has come or stop is requested. Blocks
// until then; while no supervisor runs it waits, without polling, for the next one. Several threads may call at once.
// Errors: failed (the disk, no descriptor left).
void follow_events(Engine& engine, const std::string& project, const EventRange& range,
                   const std::function<bool(const ContainerEvent&)>& sink, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
