#include "swarm/orchestrator/updater.hpp"

#include "swarm/orchestrator/restart.hpp"
#include "swarm/orchestrator/service_state.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {

struct Updater::Config {
    std::size_t parallelism;
    std::int64_t delay;
    std::int64_t monitor; // so long after its start a task counts
    std::int64_t last;    // the same once no slot waits any more, and how long all are watched at the end
    std::string action;
    float ratio;
    bool start_first;
};

namespace {

bool in_state(const ServiceState& service, const char* a, const char* b) {
    const auto& status = service.service.update_status;
    return status && (status->state == a || status->state == b);
}
bool under_way(const ServiceState& service) { return in_state(service, "updating", "rollback_started"); }
bool paused(const ServiceState& service) { return in_state(service, "paused", "rollback_paused"); }
bool rolls_back(const ServiceState& service) { return in_state(service, "rollback_started", "rollback_paused"); }

// An end that nobody asked for; one with status 0 as well.
bool ended_early(const Entry& entry) {
    const TaskState state = entry.task.state;
    return !entry.removed() &&
           (state == TaskState::complete || state == TaskState::failed || state == TaskState::rejected);
}

std::vector<Entry*> updatable_of(ServiceState& service, std::uint64_t number) {
    std::vector<Entry*> found;
    const auto slot = service.slots.find(number);
    if (slot == service.slots.end()) return found;
    for (const auto& entry : slot->second)
        if (updatable(service, *entry)) found.push_back(entry.get());
    return found;
}

// More than one task makes a slot dirty as well, also of those that have ended for good: Swarm starts such a slot
// again at any change of the service. A supervisor that merely begins again has no such reason.
bool dirty_slot(ServiceState& service, std::uint64_t number, const Round& round) {
    std::vector<Entry*> entries = updatable_of(service, number);
    if (service.resumed && !entries.empty()) {
        Entry* newest = entries.back();
        std::erase_if(entries, [&](const Entry* entry) { return entry != newest && !entry->wanted(); });
    }
    return entries.size() > 1 || (entries.size() == 1 && service.dirty(*entries.front(), round.node));
}

} // namespace

Updater::Config Updater::config_of(const ServiceState& service) {
    const ServiceSpec& spec = service.service.spec;
    const auto& given = rolls_back(service) ? spec.rollback_config : spec.update_config;
    const UpdateConfig config = given.value_or(UpdateConfig{});
    const std::int64_t monitor = config.monitor.value_or(5 * second);
    return {config.parallelism,
            config.delay,
            monitor,
            config.delay >= monitor ? config.delay + second : monitor,
            config.failure_action.empty() ? "pause" : config.failure_action,
            static_cast<float>(config.max_failure_ratio),
            config.order == "start-first"};
}

void Updater::begin(ServiceState& service, const std::vector<std::uint64_t>& slots, const Round& round) {
    queue_.clear();
    made_.clear();
    failures_ = 0;
    free_at_ = round.now;
    if (service.resumed) resume(service);
    if (paused(service)) return;
    for (const std::uint64_t slot : slots) {
        const bool met = std::ranges::any_of(made_, [&](const Made& made) {
            const Entry* entry = service.find(made.task);
            return entry && entry->task.slot == slot;
        });
        if (!met && dirty_slot(service, slot, round)) queue_.push_back(slot);
    }
    total_ = queue_.size() + made_.size();
    if (total_ == 0) {
        if (under_way(service) && !service.resumed) finish(service, round.now);
    } else if (!service.service.update_status && !queue_.empty()) {
        service.service.update_status = UpdateStatus{"updating", round.now, 0, texts::updating};
        service.unsaved = true;
    }
}

// What this update has made before the supervisor began again stands in the tasks.
void Updater::resume(const ServiceState& service) {
    if (!under_way(service) && !paused(service)) return;
    for (const auto& [number, slot] : service.slots)
        for (const auto& entry : slot)
            if (entry->task.by_update && entry->task.spec_version == service.service.spec_version &&
                entry->task.created_at >= service.service.update_status->started_at)
                made_.push_back({entry->task.id});
    const std::int64_t end = service.service.update_status->ends_at;
    if (!made_.empty()) free_at_ = 0;
    else if (end != 0) free_at_ = end - config_of(service).last;
}

void Updater::watch(ServiceState& service, Made& made, const Config& config, std::int64_t now) {
    Entry* entry = service.find(made.task);
    if (!entry || entry->removed()) {
        if (made.done_at == 0) made.done_at = now;
        return;
    }
    const Task& task = entry->task;
    if (made.done_at == 0 && task.state >= TaskState::running) {
        made.done_at = task.running_at != 0 ? task.running_at : task.state_since;
        if (config.start_first && task.state == TaskState::running) shut_others(service, *entry, now);
    }
    if (ended_with_machine(*entry)) { // what follows it in its slot has the new specification, too
        if (made.done_at == 0) made.done_at = now;
        made.judged = true;
    }
    if (made.judged || !ended_early(*entry)) return;
    const std::int64_t window = queue_.empty() ? config.last : config.monitor;
    made.judged = true;
    made.failed = task.running_at == 0 || task.state_since - task.running_at <= window;
}

void Updater::shut_others(ServiceState& service, const Entry& made, std::int64_t now) {
    for (const auto& entry : service.slots.at(made.task.slot))
        if (entry.get() != &made && entry->wanted()) service.desire(*entry, TaskState::shutdown, now);
}

bool Updater::gives_up(ServiceState& service, const Config& config, const std::string& task) {
    if (config.action == "continue") return false;
    ++failures_;
    if (static_cast<float>(failures_) / static_cast<float>(std::max<std::size_t>(total_, 1)) <= config.ratio)
        return false;
    UpdateStatus& status = *service.service.update_status;
    status.ends_at = 0;
    service.unsaved = true;
    const bool back = config.action == "rollback";
    if (back && !rolls_back(service) && service.service.previous) {
        status.state = "rollback_started";
        status.message = texts::rolled_back(task);
        service.take_previous();
        return true;
    }
    status.message = back && rolls_back(service) ? texts::rollback_paused(task) : texts::paused(task);
    status.state = rolls_back(service) ? "rollback_paused" : "paused";
    return true;
}

bool Updater::replace(ServiceState& service, std::uint64_t slot, const Config& config, const Round& round) {
    const auto entries = updatable_of(service, slot);
    if (entries.empty()) return false;
    Entry* keep = nullptr;
    for (Entry* entry : entries)
        if (entry->wanted() && !service.dirty(*entry, round.node) &&
            (!keep || (keep->task.desired < service.goal() && entry->task.desired == service.goal())))
            keep = entry;
    if (keep || !config.start_first)
        for (Entry* entry : entries)
            if (entry != keep && entry->wanted()) service.desire(*entry, TaskState::shutdown, round.now);
    if (keep) {
        if (keep->task.desired < service.goal()) keep->task.start_after = round.now; // no restart's delay any more
        keep->unsaved = true;
        service.touch(*keep);
        free_at_ = std::max(free_at_, round.now);
        return false;
    }
    Entry& entry = service.create(slot, round);
    entry.task.by_update = true;
    if (!config.start_first) entry.task.desired = TaskState::ready; // until those before it have stopped
    made_.push_back({entry.task.id});
    return true;
}

void Updater::step(ServiceState& service, const Round& round) {
    wake_ = 0;
    if (made_.empty() && queue_.empty() && !under_way(service)) return;
    const Config config = config_of(service);
    const bool active = under_way(service);
    for (Made& made : made_) {
        const bool failed_before = made.failed;
        watch(service, made, config, round.now);
        if (!active || !made.failed || failed_before) continue;
        if (!gives_up(service, config, made.task)) continue;
        queue_.clear();
        if (under_way(service)) made_.clear(); // a roll-back: it begins with the slots as they are
        return;
    }
    std::erase_if(made_, [&](const Made& made) {
        if (made.done_at == 0) return false;
        free_at_ = std::max(free_at_, made.done_at + config.delay);
        return round.now > made.done_at + config.last;
    });
    if (active) go_on(service, config, round);
}

void Updater::go_on(ServiceState& service, const Config& config, const Round& round) {
    std::size_t busy = 0;
    std::int64_t soonest = 0;
    bool starting = false;
    for (const Made& made : made_) {
        const std::int64_t free = made.done_at + config.delay;
        if (made.done_at != 0 && free <= round.now) continue;
        ++busy;
        starting = starting || made.done_at == 0;
        if (made.done_at != 0 && (soonest == 0 || free < soonest)) soonest = free;
    }
    const std::size_t workers = config.parallelism == 0 ? std::max<std::size_t>(total_, 1) : config.parallelism;
    while (!queue_.empty() && busy < workers) {
        const std::uint64_t slot = queue_.front();
        queue_.pop_front();
        if (!replace(service, slot, config, round)) continue;
        ++busy;
        starting = true;
    }
    if (!queue_.empty()) {
        wake_ = soonest;
    } else if (!starting) { // else a report moves it on
        std::int64_t& end = service.service.update_status->ends_at;
        if (std::exchange(end, free_at_ + config.last) != free_at_ + config.last) service.unsaved = true;
        if (end <= round.now) finish(service, round.now);
        else wake_ = end;
    }
}

void Updater::finish(ServiceState& service, std::int64_t now) {
    UpdateStatus& status = *service.service.update_status;
    const bool back = rolls_back(service);
    status.state = back ? "rollback_completed" : "completed";
    status.message = back ? texts::rollback_completed : texts::update_completed;
    status.completed_at = now;
    status.ends_at = 0;
    service.unsaved = true;
    made_.clear();
}

} // namespace davit::swarm
