#include "swarm/orchestrator/slots.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

struct Tally {
    std::uint64_t running = 0, complete = 0, given_up = 0;
    std::set<std::uint64_t> used;
};

// Tasks of a run before this one that have not ended go; a global job forgets the others too.
Tally tally(ServiceState& service, std::int64_t now) {
    Tally found;
    for (const auto& [number, slot] : service.slots) {
        bool complete = false, wanted = false, any = false;
        for (const auto& entry : slot) {
            if (entry->task.job_iteration != service.service.job_iteration) {
                if (!entry->ended() || service.global()) service.desire(*entry, TaskState::remove, now);
                continue;
            }
            // One that was shut down from outside is as if it had not been.
            any = any || entry->wanted() || entry->task.state != TaskState::shutdown;
            complete = complete || entry->task.state == TaskState::complete;
            wanted = wanted || entry->wanted();
        }
        if (!any) continue;
        found.used.insert(number);
        ++(complete ? found.complete : wanted ? found.running : found.given_up);
    }
    return found;
}

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

} // namespace

void reconcile_job(ServiceState& service, const Round& round) {
    const Tally found = tally(service, round.now);
    if (service.global()) {
        if (round.node.node.availability == "active" && eligible(service, round.node)) {
            if (found.used.empty()) service.create(0, round);
        } else if (!eligible(service, round.node)) {
            for (const auto& [number, slot] : service.slots)
                for (const auto& entry : slot)
                    if (entry->wanted() && !entry->ended()) service.desire(*entry, TaskState::shutdown, round.now);
        }
        return;
    }
    const ServiceMode& mode = service.service.spec.mode;
    const std::uint64_t at_once = mode.max_concurrent.value_or(1);
    const std::uint64_t meant = mode.total_completions.value_or(at_once);
    std::uint64_t missing =
        std::min(less(at_once, found.running), less(meant, found.complete + found.running + found.given_up));
    for (std::uint64_t number = 0; missing > 0 && number < meant; ++number) {
        if (found.used.contains(number)) continue;
        service.create(number, round);
        --missing;
    }
}

} // namespace davit::swarm
