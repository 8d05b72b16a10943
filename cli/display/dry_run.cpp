#include "cli/display/dry_run.hpp"

namespace davit::cli {

std::vector<Event> events_of(const Plan& plan) {
    std::vector<Event> out;
    for (const Operation& op : plan.operations) {
        if (op.kind == OpKind::wait_container) continue;
        Event event;
        event.operation = op.id;
        event.op = op.kind;
        event.resource = op.resource;
        // As where it runs: networks and volumes by their names on the machine.
        if (!op.network.empty()) event.resource = "network:" + op.network;
        if (!op.volume.empty()) event.resource = "volume:" + op.volume;
        event.project = plan.project;
        event.container_id = op.container_id;
        event.container_name = op.container_name;
        for (const EventKind kind : {EventKind::operation_started, EventKind::operation_done}) {
            event.kind = kind;
            out.push_back(event);
        }
    }
    return out;
}

} // namespace davit::cli
