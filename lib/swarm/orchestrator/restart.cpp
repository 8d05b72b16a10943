#include "swarm/orchestrator/restart.hpp"

#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

constexpr std::int64_t old_task_timeout = 60 * second; // as long as a new task waits for the old one's end

const RestartPolicy& policy_of(const Entry& entry) {
    static const RestartPolicy usual;
    return entry.version->task.restart_policy ? *entry.version->task.restart_policy : usual;
}

// Restarts of the slot with this specification, so far.
std::uint64_t restarts_of(const ServiceState& service, const Entry& entry) {
    std::uint64_t most = 0;
    for (const auto& other : service.slots.at(entry.task.slot))
        if (other->task.spec_version == entry.task.spec_version &&
            other->task.job_iteration == entry.task.job_iteration)
            most = std::max(most, other->task.restarts);
    return most;
}

std::uint64_t restarts_within(const ServiceState& service, const Entry& entry, std::int64_t window) {
    const std::int64_t end = entry.task.state_since;
    std::uint64_t count = 0;
    for (const auto& other : service.slots.at(entry.task.slot))
        if (other->task.spec_version == entry.task.spec_version && other->task.restarts > 0 &&
            other->task.created_at > end - window && other->task.created_at <= end)
            ++count;
    return count;
}

// 0: nobody waits. A task whose old one hangs starts without it after a minute.
std::int64_t due(const ServiceState::Slot& slot, const Entry& entry) {
    const bool stopping = std::ranges::any_of(slot, [&](const auto& other) {
        return other.get() != &entry && !other->wanted() && other->placed() && !other->ended();
    });
    return stopping ? std::max(entry.task.start_after, entry.task.created_at + old_task_timeout)
                    : entry.task.start_after;
}

} // namespace

bool ended_with_machine(const Entry& entry) { return entry.task.error == texts::machine_went_down; }

bool should_restart(const ServiceState& service, const Entry& entry) {
    const RestartPolicy& policy = policy_of(entry);
    const bool completed = entry.task.state == TaskState::complete;
    if (policy.condition == "none") return false;
    if (ended_with_machine(entry)) return true;
    if (completed && (policy.condition == "on-failure" || service.job())) return false;
    const std::uint64_t most = policy.max_attempts.value_or(0);
    if (most == 0) return true;
    const std::int64_t window = policy.window.value_or(0);
    return (window == 0 ? restarts_of(service, entry) : restarts_within(service, entry, window)) < most;
}

bool updatable(const ServiceState& service, const Entry& entry) {
    if (entry.removed()) return false;
    if (entry.wanted()) return true;
    const auto& status = service.service.update_status;
    return !(status && status->state == "rollback_started") && !should_restart(service, entry);
}

void replace(ServiceState& service, Entry& entry, const Round& round) {
    const bool again = should_restart(service, entry);
    const bool drained = round.node.node.availability == "drain";
    service.desire(entry, TaskState::shutdown, round.now);
    if (!again) return;
    const bool same = entry.task.spec_version == service.service.spec_version;
    const std::uint64_t before = same ? restarts_of(service, entry) : 0;
    const bool at_once = drained || ended_with_machine(entry);
    const std::int64_t delay = at_once ? 0 : policy_of(entry).delay.value_or(5 * second);
    Task& next = service.create(entry.task.slot, round).task;
    next.restarts = ended_with_machine(entry) ? before : before + 1;
    next.desired = TaskState::ready;
    next.start_after = round.now + delay;
}

void follow(ServiceState& service, std::uint64_t number, const Round& round) {
    const auto at = service.slots.find(number);
    if (at == service.slots.end()) return;
    std::int64_t wake = 0;
    for (std::size_t i = 0; i < at->second.size(); ++i) { // grows meanwhile
        Entry& entry = *at->second[i];
        if (entry.task.desired == TaskState::ready) {
            const std::int64_t time = due(at->second, entry);
            if (time > round.now) {
                wake = wake == 0 ? time : std::min(wake, time);
                continue; // even if it was rejected meanwhile: the delay stands between two attempts
            }
            service.desire(entry, service.goal(), round.now);
        }
        const bool done = service.job() && entry.task.state == TaskState::complete;
        if (entry.wanted() && entry.ended() && !done) replace(service, entry, round);
    }
    service.wake_at(number, wake);
}

} // namespace davit::swarm
