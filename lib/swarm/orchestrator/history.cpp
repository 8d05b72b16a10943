#include "swarm/orchestrator/slots.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

constexpr std::uint64_t history_limit = 5;

// Attempts take the place of the limit, also where that is less.
std::uint64_t limit_of(const ServiceState& service) {
    const auto& policy = service.service.spec.task.restart_policy;
    const std::uint64_t attempts = policy ? policy->max_attempts.value_or(0) : 0;
    if (attempts == 0) return history_limit;
    return service.job() ? std::max(history_limit, attempts + 1) : attempts + 1;
}

} // namespace

void trim_history(ServiceState& service, std::uint64_t number, std::vector<std::string>& removed) {
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
        if (count-- <= limit_of(service)) break;
        removed.push_back(entry->task.id);
        service.erase(*entry);
    }
}

} // namespace davit::swarm
