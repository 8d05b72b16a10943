// What happens while a plan runs and while a project lives. Plain values; a sink gets each while it
// happens, from whichever thread sees it, never two at once, and makes the work wait while it runs.
// It is called in the middle of a call: it returns soon, calls nothing that has events of its own (it would wait for
// itself), and throws nothing, for what comes of that is not said.
#pragma once

#include "davit/error.hpp"
#include "davit/plan.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

enum class EventKind {
    operation_started,
    operation_progress,
    operation_done,
    operation_failed,
    operation_skipped,
    container_created,
    container_started,
    container_exited,
    container_restarting,
    container_removed,
    container_paused,
    container_unpaused,
    container_health,
    container_attachable,
    container_oom,
    container_signalled, // text: the signal
    container_stopped,   // ended because it was asked to
    container_renamed,   // text: the name before
    container_updated,
    container_restarted, // as asked for
    container_hook,      // text: what one of its hooks has written, told when the hook has ended; its first 64 KiB
    network_connected,   // resource: "network:<name>"
    network_disconnected,
    network_created,
    network_removed,
    volume_created,
    volume_removed,
    service_changed, // resource: "service:<id>"; text: the state of its update, if there was one
    service_removed,
    task_changed, // resource: "task:<id>", service: its service's name; text: its state
    task_removed,
    warning,
};

struct Event {
    EventKind kind{};
    std::int64_t time_ns = 0; // realtime
    int operation = 0;        // operation_*: its id; 0: not of a plan (a container that runs as it should)
    OpKind op{};              // operation_*: what it does
    std::string resource;
    std::string project, service, container_id, container_name;
    // Progress, warning or failure text; health: healthy, unhealthy, starting; operation_done: what came
    // of it, where that is not its kind's usual end (Running, Healthy, Exited, Removed).
    std::string text;
    int exit_code = 0;                    // container_exited
    std::uint64_t current = 0, total = 0; // operation_progress: bytes
    // What Docker's events tell beside: execDuration of what exited, id and type of networks.
    std::map<std::string, std::string> attributes;
};

using EventSink = std::function<void(const Event&)>;

} // namespace davit
#pragma GCC visibility pop
