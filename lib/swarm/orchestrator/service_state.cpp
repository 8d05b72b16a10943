#include "swarm/orchestrator/service_state.hpp"

#include "swarm/orchestrator/constraints.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

const std::vector<std::string>& constraints_of(const TaskSpec& spec) {
    static const std::vector<std::string> none;
    return spec.placement ? spec.placement->constraints : none;
}

bool same_but_placement(const TaskSpec& a, const TaskSpec& b) {
    return a.container == b.container && a.resources == b.resources && a.restart_policy == b.restart_policy &&
           a.networks == b.networks && a.log_driver == b.log_driver && a.force_update == b.force_update;
}

TaskVersion task_version(const ServiceSpec& spec, std::uint64_t version, std::uint64_t prepared) {
    return {version, prepared, spec.task, spec.endpoint};
}

} // namespace

void Ledger::book(const TaskVersion& version, int sign) {
    if (sign < 0) freed = true;
    if (version.task.resources && version.task.resources->reservations) {
        nano_cpus += sign * version.task.resources->reservations->nano_cpus;
        memory += sign * version.task.resources->reservations->memory;
    }
    if (!version.endpoint) return;
    for (const PortConfig& port : version.endpoint->ports) {
        if (port.mode != "host" || port.published == 0) continue;
        const auto at = host_ports.try_emplace({port.protocol, port.published}, 0).first;
        if ((at->second += sign) == 0) host_ports.erase(at);
    }
}

ServiceState::ServiceState(Service record, Ledger& ledger) : service(std::move(record)), ledger_(ledger) {
    renew_current();
}

bool ServiceState::global() const {
    return service.spec.mode.kind == ModeKind::global || service.spec.mode.kind == ModeKind::global_job;
}

std::shared_ptr<const TaskVersion> ServiceState::version_of(std::uint64_t spec_version) const {
    if (spec_version == service.spec_version) return current_;
    for (const auto& [slot, entries] : slots)
        for (const auto& entry : entries)
            if (entry->task.spec_version == spec_version) return entry->version;
    if (service.previous && spec_version == service.previous_spec_version)
        return std::make_shared<const TaskVersion>(
            task_version(*service.previous, spec_version, service.previous_template_version));
    for (const TaskVersion& kept : service.kept)
        if (kept.spec_version == spec_version) return std::make_shared<const TaskVersion>(kept);
    return current_;
}

// One for all tasks of a version, also when something else of the service changes.
void ServiceState::renew_current() {
    TaskVersion next = task_version(service.spec, service.spec_version, service.template_version);
    if (!current_ || *current_ != next) current_ = std::make_shared<const TaskVersion>(std::move(next));
}

void ServiceState::load(std::vector<Task> tasks) {
    std::ranges::sort(tasks, [](const Task& a, const Task& b) {
        return a.created_at != b.created_at ? a.created_at < b.created_at : a.id < b.id;
    });
    std::map<std::uint64_t, std::shared_ptr<const TaskVersion>> versions;
    for (Task& task : tasks) {
        auto& version = versions[task.spec_version];
        if (!version) version = version_of(task.spec_version);
        add(std::move(task), version);
    }
    resumed = true;
    touch_all();
}

void ServiceState::set(Service record) {
    service = std::move(record);
    renew_current();
    keep_versions();
    unsaved = unreconciled = true;
    touch_all();
}

void ServiceState::keep_versions() {
    std::map<std::uint64_t, std::shared_ptr<const TaskVersion>> others;
    for (const auto& [slot, entries] : slots)
        for (const auto& entry : entries)
            if (const std::uint64_t v = entry->task.spec_version;
                v != service.spec_version && !(service.previous && v == service.previous_spec_version))
                others.emplace(v, entry->version);
    service.kept.clear();
    for (const auto& [v, version] : others) {
        service.kept.push_back(*version);
        service.kept.back().spec_version = v;
    }
}

void ServiceState::take_previous() {
    service.spec = std::move(*service.previous);
    service.spec_version = service.previous_spec_version;
    service.template_version = service.previous_template_version;
    service.previous.reset();
    service.previous_spec_version = service.previous_template_version = 0;
    ++service.version;
    renew_current();
    keep_versions();
    unsaved = unreconciled = true;
    touch_all();
}

Entry& ServiceState::add(Task task, std::shared_ptr<const TaskVersion> version) {
    auto owned = std::make_unique<Entry>();
    Entry& entry = *owned;
    entry.task = std::move(task);
    entry.version = std::move(version);
    by_id_[entry.task.id] = &entry;
    slots[entry.task.slot].push_back(std::move(owned));
    recount(entry);
    return entry;
}

Entry& ServiceState::create(std::uint64_t slot, const Round& round) {
    Task task;
    task.id = round.new_id();
    task.service_id = service.id;
    task.slot = slot;
    task.spec_version = service.spec_version;
    task.template_version = service.template_version;
    task.job_iteration = job() ? service.job_iteration : 0;
    task.image = service.spec.task.container.image;
    task.created_at = task.updated_at = task.state_since = round.now;
    task.desired = goal();
    task.state = TaskState::pending;
    task.message = texts::pending;
    if (global()) task.node_id = round.node.node.id;
    Entry& entry = add(std::move(task), current_);
    entry.unsaved = true;
    try_waiting = true;
    touch(entry);
    return entry;
}

void ServiceState::desire(Entry& entry, TaskState desired, std::int64_t now) {
    if (desired <= entry.task.desired) return;
    entry.task.desired = desired;
    entry.task.updated_at = now;
    entry.unsaved = true;
    if (desired == TaskState::shutdown && !entry.placed()) // nobody has anything to stop
        move(entry, TaskState::shutdown, "", "", now);
    recount(entry);
    touch(entry);
}

void ServiceState::move(Entry& entry, TaskState state, const std::string& message, const std::string& error,
                        std::int64_t now) {
    if (state <= entry.task.state) return;
    entry.task.state = state;
    entry.task.state_since = entry.task.updated_at = now;
    entry.task.error = error;
    if (state == TaskState::running) entry.task.running_at = now;
    if (!message.empty()) entry.task.message = message;
    else if (const char* usual = texts::of(state)) entry.task.message = usual;
    entry.unsaved = true;
    recount(entry);
    touch(entry);
}

void ServiceState::recount(Entry& entry) {
    const bool holds = entry.placed() && !entry.ended();
    if (holds != entry.holds) ledger_.book(*entry.version, holds ? 1 : -1);
    entry.holds = holds;
    const bool counted = entry.placed() && entry.wanted();
    if (counted != entry.counted) counted ? ++on_node : --on_node;
    entry.counted = counted;
    if (!entry.placed() && entry.wanted()) waiting[entry.task.id] = &entry;
    else waiting.erase(entry.task.id);
}

void ServiceState::erase(Entry& entry) {
    if (entry.holds) ledger_.book(*entry.version, -1);
    if (entry.counted) --on_node;
    waiting.erase(entry.task.id);
    by_id_.erase(entry.task.id);
    const std::uint64_t number = entry.task.slot;
    Slot& slot = slots[number];
    std::erase_if(slot, [&](const auto& e) { return e.get() == &entry; });
    if (!slot.empty()) return;
    slots.erase(number);
    wake_at(number, 0);
}

void ServiceState::touch(const Entry& entry) { touched.insert(entry.task.slot); }

void ServiceState::touch_all() {
    for (const auto& [number, slot] : slots) touched.insert(number);
}

void ServiceState::wake_at(std::uint64_t slot, std::int64_t time) {
    const auto at = wake_of_.find(slot);
    if (at != wake_of_.end()) {
        wakes_.erase({at->second, slot});
        wake_of_.erase(at);
    }
    if (time == 0) return;
    wake_of_[slot] = time;
    wakes_.insert({time, slot});
}

void ServiceState::touch_due(std::int64_t now) {
    for (const auto& [time, slot] : wakes_) {
        if (time > now) break;
        touched.insert(slot);
    }
}

std::int64_t ServiceState::next_time() const {
    const std::int64_t slot = wakes_.empty() ? 0 : wakes_.begin()->first;
    const std::int64_t update = updater.next_time();
    return slot == 0 || update == 0 ? std::max(slot, update) : std::min(slot, update);
}

Entry* ServiceState::find(const std::string& task) {
    const auto at = by_id_.find(task);
    return at == by_id_.end() ? nullptr : at->second;
}
const Entry* ServiceState::find(const std::string& task) const {
    const auto at = by_id_.find(task);
    return at == by_id_.end() ? nullptr : at->second;
}

bool ServiceState::dirty(const Entry& entry, const NodeFacts& node) const {
    if (entry.task.spec_version == service.spec_version) return false;
    const TaskVersion& has = *entry.version;
    if (has.endpoint != current_->endpoint || !same_but_placement(has.task, current_->task)) return true;
    if (has.task.placement == current_->task.placement) return false;
    return !entry.placed() || !meets(node, constraints_of(current_->task));
}

} // namespace davit::swarm
