#include "swarm/orchestrator/slots.hpp"

#include "swarm/orchestrator/constraints.hpp"
#include "swarm/orchestrator/restart.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

bool runs(const ServiceState::Slot& slot) {
    return std::ranges::any_of(slot, [](const auto& entry) { return entry->task.state == TaskState::running; });
}

bool alive(const ServiceState& service, const ServiceState::Slot& slot) {
    return std::ranges::any_of(slot, [&](const auto& entry) { return updatable(service, *entry); });
}

bool fits(const TaskSpec& spec, const NodeFacts& node) {
    return !spec.placement || meets(node, spec.placement->constraints);
}

void shut(ServiceState& service, std::int64_t now) {
    for (const auto& [number, slot] : service.slots)
        for (const auto& entry : slot)
            if (entry->wanted()) service.desire(*entry, TaskState::shutdown, now);
}

// The container is stopped; what became of the task is told already.
void reject(ServiceState& service, Entry& entry, std::int64_t now) {
    entry.outlived = true;
    service.move(entry, TaskState::rejected, texts::enforced, texts::no_longer_fits, now);
}

} // namespace

void remove_slot(ServiceState& service, std::uint64_t number, std::int64_t now) {
    const auto slot = service.slots.find(number);
    if (slot == service.slots.end()) return;
    for (const auto& entry : slot->second) service.desire(*entry, TaskState::remove, now);
}

void reconcile_replicated(ServiceState& service, const Round& round) {
    std::vector<std::uint64_t> there, dead;
    for (const auto& [number, slot] : service.slots) {
        const bool leaving = std::ranges::all_of(slot, [](const auto& entry) { return entry->removed(); });
        if (alive(service, slot)) there.push_back(number);
        else if (!leaving) dead.push_back(number);
    }
    const std::uint64_t meant = service.service.spec.mode.replicas.value_or(1);
    if (there.size() > meant) { // what runs is kept first, and the lowest slots
        std::ranges::stable_partition(there, [&](std::uint64_t number) { return runs(service.slots.at(number)); });
        for (std::size_t i = meant; i < there.size(); ++i) remove_slot(service, there[i], round.now);
        there.resize(meant);
        std::ranges::sort(there);
    }
    std::vector<std::uint64_t> missing;
    for (std::uint64_t number = 1, i = 0; there.size() + missing.size() < meant; ++number) {
        if (i < there.size() && there[i] == number) ++i;
        else missing.push_back(number);
    }
    for (const std::uint64_t number : dead)
        if (!std::ranges::binary_search(missing, number)) remove_slot(service, number, round.now);
    service.updater.begin(service, there, round);
    for (const std::uint64_t number : missing) service.create(number, round);
}

bool eligible(const ServiceState& service, const NodeFacts& node) {
    return node.node.availability != "drain" && fits(service.service.spec.task, node);
}

void reconcile_global(ServiceState& service, const Round& round) {
    if (!eligible(service, round.node)) {
        shut(service, round.now);
        service.updater.begin(service, {}, round);
        return;
    }
    if (round.node.node.availability == "pause") return;
    const auto slot = service.slots.find(0);
    const bool there = slot != service.slots.end() && alive(service, slot->second);
    service.updater.begin(service, there ? std::vector<std::uint64_t>{0} : std::vector<std::uint64_t>{}, round);
    if (!there) service.create(0, round);
}

void node_changed(ServiceState& service, const Round& round) {
    service.try_waiting = true;
    if (service.global()) {
        service.unreconciled = true;
        return;
    }
    const bool drained = round.node.node.availability == "drain";
    for (auto& [number, slot] : service.slots)
        for (std::size_t i = 0; i < slot.size(); ++i) { // replace() adds to it
            Entry& entry = *slot[i];
            if (!entry.wanted() || !entry.placed() || entry.ended()) continue;
            if (!fits(entry.version->task, round.node)) reject(service, entry, round.now);
            else if (drained) replace(service, entry, round);
        }
}

} // namespace davit::swarm
