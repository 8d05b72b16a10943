#include "engine/swarm/converge.hpp"

#include <map>

namespace davit {

using swarm::ModeKind;
using swarm::TaskState;

namespace {

// A new version of the specification need not change tasks, and those stay: where they run is no part of what they are.
bool up_to_date(const swarm::Service& service, const swarm::Task& task) {
    if (task.spec_version == service.spec_version) return true;
    auto same = [&](swarm::TaskSpec spec, const std::optional<swarm::EndpointSpec>& endpoint) {
        spec.placement = service.spec.task.placement;
        return spec == service.spec.task && endpoint == service.spec.endpoint;
    };
    if (service.previous && task.spec_version == service.previous_spec_version)
        return same(service.previous->task, service.previous->endpoint);
    for (const auto& kept : service.kept)
        if (kept.spec_version == task.spec_version) return same(kept.task, kept.endpoint);
    return false;
}

// The newest of each slot that somebody wants, or that has done all it should.
std::vector<swarm::Task> that_count(const swarm::Service& service, const std::vector<swarm::Task>& tasks) {
    std::map<std::uint64_t, const swarm::Task*> by_slot;
    for (const auto& task : tasks) {
        if (!service.spec.mode.job() && !up_to_date(service, task)) continue;
        if (service.spec.mode.job() && task.job_iteration != service.job_iteration) continue;
        auto& slot = by_slot[task.slot];
        if (!slot || slot->created_at <= task.created_at) slot = &task;
    }
    std::vector<swarm::Task> out;
    for (const auto& [slot, task] : by_slot) out.push_back(*task);
    return out;
}

// One-shot: it has ended well, and nothing follows it.
bool is_done(const swarm::Service& service, const swarm::Task& task) {
    const auto& restart = service.spec.task.restart_policy;
    return task.state == TaskState::complete && restart &&
           (restart->condition == "none" || restart->condition == "on-failure");
}

std::uint64_t wanted(const swarm::Service& service, const std::vector<swarm::Task>& tasks) {
    const auto& mode = service.spec.mode;
    switch (mode.kind) {
    case ModeKind::replicated: return mode.replicas.value_or(1);
    case ModeKind::replicated_job: return mode.total_completions.value_or(mode.max_concurrent.value_or(1));
    case ModeKind::global:
    case ModeKind::global_job: return tasks.empty() ? 1 : tasks.size();
    }
    return 0;
}

} // namespace

ConvergeProgress converge_progress(const swarm::Service& service, const std::vector<swarm::Task>& tasks) {
    ConvergeProgress out;
    out.service = service;
    out.tasks = that_count(service, tasks);
    out.wanted = wanted(service, out.tasks);
    out.rolling_back = service.update_status && service.update_status->state.starts_with("rollback");
    std::uint64_t surplus = 0; // of other versions, or scaled away, and still there
    for (const auto& task : out.tasks) {
        if (service.spec.mode.job()) out.running += task.state == TaskState::complete;
        else
            out.running +=
                (task.state == TaskState::running && task.desired == TaskState::running) || is_done(service, task);
    }
    for (const auto& task : tasks)
        surplus += task.desired == TaskState::running && !service.spec.mode.job() && !up_to_date(service, task);
    out.converged = out.running >= out.wanted && surplus == 0;
    return out;
}

Verdict update_verdict(const swarm::Service& service) {
    Verdict out;
    if (!service.update_status) return out;
    const std::string &state = service.update_status->state, &message = service.update_status->message;
    out.under_way = state == "updating" || state == "rollback_started";
    out.over = state == "completed" || state == "rollback_completed";
    if (state == "paused") out.failure = "service update paused: " + message;
    if (state == "rollback_paused") out.failure = "service rollback paused: " + message;
    return out;
}

std::chrono::nanoseconds monitor_time(const swarm::Service& service) {
    constexpr std::chrono::seconds usual{5};
    const auto& update = service.spec.update_config;
    return update && update->monitor ? std::chrono::nanoseconds(*update->monitor) : usual;
}

} // namespace davit
