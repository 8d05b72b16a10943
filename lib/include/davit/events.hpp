// What happened and happens on this machine, in Docker's words, over the lives of supervisors: every project has a
// journal, and so have the machine's images, networks and volumes. Journals are bounded: the last 250 to 500 KB of each
// are kept. What a plan does and how far it is, is told by EngineOptions::events and Engine::subscribe() (event.hpp).
#pragma once

#include "davit/engine.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct MachineEvent {
    std::int64_t time_ns = 0; // since the epoch
    std::string type;         // container, image, network, volume
    // create, start, die, "exec_start: CMD", "health_status: healthy" … as Docker's
    std::string action;
    std::string id; // of the container, image or network; a volume's name
    // name; of containers also image and all labels; exitCode, signal, execID … as Docker's
    std::map<std::string, std::string> attributes;
    std::string project; // of containers: whose; ".machine" of those outside compose
    std::string scope = "local";
    bool operator==(const MachineEvent&) const = default;
};

struct EventRange {
    std::optional<std::int64_t> since; // with what was, from then on. Absent: from now on
    std::optional<std::int64_t> until; // ns since the epoch; absent: without end
};

// Docker's filters: container, image, network, volume (name or id), event, type, scope, label (KEY or KEY=VALUE). Of
// several values of a key one must fit (all labels); a key that is none of these is ignored, as there. Pure.
using EventFilters = std::vector<std::pair<std::string, std::string>>;
bool passes(const MachineEvent& event, const EventFilters& filters);

// Calls sink, in this thread, with each event that passes until it returns false, `until` has come or stop is
// requested. Blocks until then; between events it waits without polling. Projects that come up meanwhile are followed
// too. Several threads may call at once. Errors: failed (the disk, no descriptor left).
void follow_machine_events(Engine& engine, const EventRange& range, const EventFilters& filters,
                           const std::function<bool(const MachineEvent&)>& sink, std::stop_token stop = {});

struct ContainerEvent {
    std::int64_t time_ns = 0; // since the epoch
    // create, start, die, kill, stop, restart, destroy, pause, unpause, rename, update, oom, health_status
    std::string action;
    std::string service, id, name, image;
};

// The same of one project's containers, as `compose events` tells of them.
void follow_events(Engine& engine, const std::string& project, const EventRange& range,
                   const std::function<bool(const ContainerEvent&)>& sink, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
