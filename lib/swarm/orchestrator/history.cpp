#include "swarm/orchestrator/history.hpp"

#include "swarm/orchestrator/slots.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace davit::swarm {
namespace {

// Attempts take the place of the limit, also where that is less.
std::uint64_t limit_of(const Service& service, std::int64_t swarms) {
    const bool job = service.spec.mode.job();
    // What a slot did last is not forgotten: it would be done again. Nor are the completions of a job.
    const std::int64_t least = job ? usual_history : 1;
    const std::uint64_t history_limit =
        swarms < 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(std::max(swarms, least));
    const auto& policy = service.spec.task.restart_policy;
    const std::uint64_t attempts = policy ? policy->max_attempts.value_or(0) : 0;
    if (attempts == 0) return history_limit;
    return job ? std::max(history_limit, attempts + 1) : attempts + 1;
}

} // namespace

void trim_history(ServiceState& service, std::uint64_t number, std::int64_t limit, std::vector<std::string>& removed) {
    const auto at = service.slots.find(number);
    if (at == service.slots.end()) return;
    std::vector<Entry*> old;
    std::uint64_t count = 0;
    for (const auto& entry : at->second) {
        if (entry->removed()) continue;
        ++count;
        const bool over = entry->ended() && !entry->outlived;
        if (over && (!entry->wanted() || entry->task.state == TaskState::complete)) old.push_back(entry.get());
    }
    for (Entry* entry : old) {
        if (count-- <= limit_of(service.service, limit)) break;
        removed.push_back(entry->task.id);
        service.erase(*entry);
    }
}

std::vector<Task> within_history(const Service& service, std::vector<Task> tasks, std::int64_t limit) {
    std::map<std::uint64_t, std::uint64_t> count;
    for (const Task& task : tasks)
        if (task.desired != TaskState::remove) ++count[task.slot];
    const std::uint64_t kept = limit_of(service, limit);
    std::erase_if(tasks, [&](const Task& task) {
        const bool over = task.state >= TaskState::complete &&
                          (task.desired >= TaskState::shutdown || task.state == TaskState::complete);
        if (!over || task.desired == TaskState::remove || count[task.slot] <= kept) return false;
        --count[task.slot];
        return true;
    });
    return tasks;
}

} // namespace davit::swarm
