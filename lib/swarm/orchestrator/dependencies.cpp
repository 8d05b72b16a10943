#include "swarm/orchestrator/dependencies.hpp"

#include "swarm/orchestrator/restart.hpp"

#include <algorithm>

namespace davit::swarm {

namespace {

constexpr const char* on_completion = "service_completed_successfully";
constexpr const char* on_end = "service_completed";
constexpr const char* on_health = "service_healthy";

bool fulfils(const Entry& entry, const std::string& condition) {
    const Task& task = entry.task;
    if (condition == on_completion) return task.state == TaskState::complete;
    if (condition == on_end) return entry.ended();
    if (condition == on_health) return task.state == TaskState::running && entry.wanted();
    // A task with a healthcheck comes to running when it is healthy; it has started before.
    const bool checked = entry.version->task.container.healthcheck.has_value();
    return task.running_at != 0 || (checked && task.state == TaskState::starting);
}

std::uint64_t tasks_meant(const ServiceState& service, bool to_the_end) {
    const ServiceMode& mode = service.service.spec.mode;
    switch (mode.kind) {
    case ModeKind::replicated: return mode.replicas.value_or(1);
    case ModeKind::replicated_job: {
        const std::uint64_t at_once = mode.max_concurrent.value_or(1), all = mode.total_completions.value_or(at_once);
        return to_the_end ? all : std::min(at_once, all);
    }
    case ModeKind::global:
    case ModeKind::global_job: break;
    }
    return 1;
}

struct Look {
    std::uint64_t met = 0, given_up = 0; // slots
    std::string error;                   // of one that has given up
};

Look look_at(const ServiceState& service, const std::string& condition) {
    Look out;
    for (const auto& [number, slot] : service.slots) {
        const Entry* newest = nullptr;
        bool met = false;
        for (const auto& entry : slot) {
            if (service.job() && entry->task.job_iteration != service.service.job_iteration) continue;
            newest = entry.get();
            met = met || fulfils(*entry, condition);
        }
        if (met) ++out.met;
        else if (newest && newest->ended() && !should_restart(service, *newest)) {
            ++out.given_up;
            out.error = newest->task.error;
        }
    }
    return out;
}

std::string waiting_for(const ServiceDependency& dependency) {
    const std::string what = dependency.condition == on_completion ? "to complete"
                             : dependency.condition == on_end      ? "to end"
                             : dependency.condition == on_health   ? "to be healthy"
                                                                   : "to start";
    return "waiting for " + dependency.service + " " + what;
}

} // namespace

bool begun(const ServiceState& service, const NodeFacts& node) {
    return service.service.spec.depends_on.empty() || service.service.begun_in == node.boot;
}

bool runs_already(const ServiceState& service) {
    return std::ranges::any_of(service.slots, [](const auto& slot) {
        return std::ranges::any_of(slot.second,
                                   [](const auto& entry) { return entry->task.state == TaskState::running; });
    });
}

std::string unmet(const ServiceState& service, const std::function<const ServiceState*(const std::string&)>& find) {
    for (const ServiceDependency& dependency : service.service.spec.depends_on) {
        const ServiceState* other = find(dependency.service);
        if (!other) {
            if (dependency.required) return waiting_for(dependency) + ": there is no such service";
            continue;
        }
        const Look look = look_at(*other, dependency.condition);
        const std::uint64_t meant =
            tasks_meant(*other, dependency.condition == on_completion || dependency.condition == on_end);
        if (look.met >= meant) continue;
        if (look.given_up == 0) return waiting_for(dependency);
        if (!dependency.required && look.met + look.given_up >= meant) continue;
        return waiting_for(dependency) + ", which it has given up" + (look.error.empty() ? "" : ": " + look.error);
    }
    return {};
}

bool hold_waiting(ServiceState& service, const std::string& reason, const Round& round) {
    bool news = false;
    for (const auto& [id, entry] : service.waiting) {
        if (entry->task.error == reason) continue;
        entry->task.error = reason;
        entry->task.updated_at = round.now;
        entry->unsaved = news = true;
        service.acted.insert(entry->task.slot);
    }
    return news;
}

} // namespace davit::swarm
