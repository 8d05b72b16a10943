#include "swarm/orchestrator/orchestrator.hpp"

#include "swarm/orchestrator/dependencies.hpp"
#include "swarm/orchestrator/history.hpp"
#include "swarm/orchestrator/restart.hpp"
#include "swarm/orchestrator/scheduler.hpp"
#include "swarm/orchestrator/service_state.hpp"
#include "swarm/orchestrator/slots.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {

namespace {
struct ById { // actions come in an order that does not depend on addresses
    bool operator()(const ServiceState* a, const ServiceState* b) const { return a->service.id < b->service.id; }
};
using ServiceStates = std::set<ServiceState*, ById>;
} // namespace

struct Orchestrator::Impl {
    explicit Impl(Host h) : host(std::move(h)) {}

    Host host;
    Ledger ledger;
    std::optional<NodeFacts> facts; // asked for once, and when the node has changed
    std::optional<std::int64_t> limit;
    std::map<std::string, std::unique_ptr<ServiceState>> services;
    std::map<std::string, ServiceState*> by_task;
    ServiceStates changed;     // something of it was touched
    std::vector<Action> later; // of this advance, after the saves

    const NodeFacts& node();
    std::int64_t history_limit();
    ServiceState& state_of(const Service& service);
    ServiceState* find(const std::string& id);
    void remove_all(ServiceState& service, std::int64_t now);
    void settle(ServiceState& service, const Round& round);
    void reconcile(ServiceState& service, const Round& round);
    void place(const Round& round);
    bool held(ServiceState& service, const Round& round);
    void collect(ServiceState& service, std::vector<Action>& saves);
    void act_on(ServiceState& service, Entry& entry, std::vector<Action>& saves, std::vector<std::string>& gone);
};

using Kind = Action::Kind;

const NodeFacts& Orchestrator::Impl::node() {
    if (!facts) facts = host.node();
    return *facts;
}

std::int64_t Orchestrator::Impl::history_limit() {
    if (!limit) limit = host.history_limit ? host.history_limit() : usual_history;
    return *limit;
}

ServiceState* Orchestrator::Impl::find(const std::string& id) {
    const auto at = services.find(id);
    return at == services.end() ? nullptr : at->second.get();
}

ServiceState& Orchestrator::Impl::state_of(const Service& service) {
    auto& state = services[service.id];
    if (!state) state = std::make_unique<ServiceState>(service, ledger);
    changed.insert(state.get());
    return *state;
}

void Orchestrator::Impl::remove_all(ServiceState& service, std::int64_t now) {
    for (const auto& [number, slot] : service.slots)
        for (const auto& entry : slot) service.desire(*entry, TaskState::remove, now);
}

void Orchestrator::Impl::reconcile(ServiceState& service, const Round& round) {
    service.unreconciled = false;
    switch (service.service.spec.mode.kind) {
    case ModeKind::replicated: reconcile_replicated(service, round); break;
    case ModeKind::global: reconcile_global(service, round); break;
    case ModeKind::replicated_job:
    case ModeKind::global_job: reconcile_job(service, round); break;
    }
    service.resumed = false;
}

// Until nothing follows from anything any more: each round decides about the slots that the one before has touched.
void Orchestrator::Impl::settle(ServiceState& service, const Round& round) {
    if (service.service.removed_at != 0) {
        if (std::exchange(service.resumed, false)) remove_all(service, round.now);
        service.acted.merge(service.touched);
        service.touched.clear();
        return;
    }
    do {
        std::set<std::uint64_t> slots;
        slots.swap(service.touched);
        for (const std::uint64_t slot : slots) follow(service, slot, round);
        if (service.unreconciled || (service.job() && !slots.empty())) reconcile(service, round);
        service.updater.step(service, round);
        service.acted.merge(slots);
    } while (!service.touched.empty() || service.unreconciled);
}

// Whether its first tasks wait for other services; every change of one may end that.
bool Orchestrator::Impl::held(ServiceState& service, const Round& round) {
    if (begun(service, round.node)) return false;
    const auto by_name = [this](const std::string& name) -> const ServiceState* {
        for (const auto& [id, other] : services)
            if (other->service.removed_at == 0 && other->service.spec.name == name) return other.get();
        return nullptr;
    };
    const std::string reason = runs_already(service) ? std::string() : unmet(service, by_name);
    if (!reason.empty()) {
        if (hold_waiting(service, reason, round)) changed.insert(&service);
        return true;
    }
    service.service.begun_in = round.node.boot;
    service.unsaved = service.try_waiting = true;
    changed.insert(&service);
    return false;
}

namespace {
// What others of the machine have matters to it.
bool wants_room(const ServiceSpec& spec) {
    const bool reserves = spec.task.resources && spec.task.resources->reservations;
    return reserves || (spec.endpoint && std::any_of(spec.endpoint->ports.begin(), spec.endpoint->ports.end(),
                                                     [](const auto& port) { return port.mode == "host"; }));
}
} // namespace

void Orchestrator::Impl::place(const Round& round) {
    const bool freed = std::exchange(ledger.freed, false);
    std::optional<Taken> elsewhere;
    for (const auto& [id, service] : services) {
        if (service->waiting.empty() || held(*service, round)) continue;
        const bool now = std::exchange(service->try_waiting, false) || freed;
        if (!now) continue;
        if (!elsewhere && host.taken_elsewhere && wants_room(service->service.spec)) elsewhere = host.taken_elsewhere();
        place_waiting(*service, round, ledger, elsewhere.value_or(Taken{}));
        changed.insert(service.get());
    }
}

void Orchestrator::Impl::act_on(ServiceState& service, Entry& entry, std::vector<Action>& saves,
                                std::vector<std::string>& gone) {
    const Task& task = entry.task;
    const auto ask = [&](Kind kind) { later.push_back({kind, service.service.id, task.id}); };
    by_task[task.id] = &service;
    if (entry.removed() && (!entry.placed() || entry.ended())) {
        ask(Kind::remove_task);
        gone.push_back(task.id);
        return;
    }
    if (std::exchange(entry.unsaved, false)) saves.push_back({Kind::save_task, service.service.id, task.id});
    if (!entry.placed()) return;
    if (!entry.wanted() || entry.outlived) {
        if ((!entry.ended() || entry.outlived) && !std::exchange(entry.stop_asked, true)) ask(Kind::stop);
        return;
    }
    if (task.state < TaskState::ready && !std::exchange(entry.prepare_asked, true)) ask(Kind::prepare);
    if (task.state == TaskState::ready && task.desired >= TaskState::running && !std::exchange(entry.start_asked, true))
        ask(Kind::start);
}

void Orchestrator::Impl::collect(ServiceState& service, std::vector<Action>& saves) {
    std::set<std::uint64_t> slots;
    slots.swap(service.acted);
    std::vector<std::string> gone, trimmed;
    for (const std::uint64_t number : slots) {
        trim_history(service, number, history_limit(), trimmed);
        const auto at = service.slots.find(number);
        if (at == service.slots.end()) continue;
        for (const auto& entry : at->second) act_on(service, *entry, saves, gone);
    }
    for (const std::string& task : gone) service.erase(*service.find(task));
    for (const std::string& task : trimmed) later.push_back({Kind::remove_task, service.service.id, task});
    for (const auto* list : {&gone, &trimmed})
        for (const std::string& task : *list) by_task.erase(task);
}

Orchestrator::Orchestrator(Host host) : impl_(std::make_unique<Impl>(std::move(host))) {}
Orchestrator::~Orchestrator() = default;

void Orchestrator::load(Service service, std::vector<Task> tasks) {
    ServiceState& state = impl_->state_of(service);
    state.load(std::move(tasks));
    for (const auto& [number, slot] : state.slots)
        for (const auto& entry : slot) impl_->by_task[entry->task.id] = &state;
}

void Orchestrator::set(Service service, std::int64_t) { impl_->state_of(service).set(std::move(service)); }

void Orchestrator::remove(const std::string& service_id, std::int64_t now) {
    ServiceState* state = impl_->find(service_id);
    if (!state || state->service.removed_at != 0) return;
    state->service.removed_at = state->service.updated_at = now;
    state->unsaved = true;
    impl_->remove_all(*state, now);
    impl_->changed.insert(state);
}

void Orchestrator::node_changed(std::int64_t now) {
    impl_->facts.reset();
    impl_->limit.reset();
    const Round round{now, impl_->node(), impl_->host.new_id};
    for (const auto& [id, state] : impl_->services) {
        for (const auto& [number, slot] : state->slots) state->acted.insert(number);
        if (state->service.removed_at == 0) swarm::node_changed(*state, round);
        impl_->changed.insert(state.get());
    }
}

void Orchestrator::report(const std::string& task_id, const Report& report, std::int64_t now) {
    const auto at = impl_->by_task.find(task_id);
    if (at == impl_->by_task.end()) return;
    ServiceState& state = *at->second;
    Entry& entry = *state.find(task_id);
    impl_->changed.insert(&state);
    if (!report.container_id.empty() && report.container_id != entry.task.container_id) {
        entry.task.container_id = report.container_id;
        entry.unsaved = true;
        state.touch(entry);
    }
    if (report.state >= TaskState::complete && entry.outlived) {
        entry.outlived = false;
        state.touch(entry);
    }
    if (report.state <= entry.task.state) return;
    entry.task.exit_code = report.exit_code;
    const bool plain = report.state == TaskState::failed && report.error.empty() && report.exit_code != 0;
    state.move(entry, report.state, report.message, plain ? texts::exit_error(report.exit_code) : report.error, now);
}

std::vector<Action> Orchestrator::advance(std::int64_t now) {
    Impl& impl = *impl_;
    const Round round{now, impl.node(), impl.host.new_id};
    ServiceStates all;
    for (const auto& [id, state] : impl.services)
        if (const std::int64_t time = state->next_time(); time != 0 && time <= now) {
            state->touch_due(now);
            impl.changed.insert(state.get());
        }
    while (!impl.changed.empty()) {
        ServiceStates some;
        some.swap(impl.changed);
        for (ServiceState* state : some) impl.settle(*state, round);
        impl.place(round);
        all.merge(some);
    }
    std::vector<Action> actions;
    impl.later.clear();
    std::vector<std::string> ended;
    for (ServiceState* state : all) {
        impl.collect(*state, actions);
        const bool end = state->service.removed_at != 0 && state->slots.empty();
        if (end) ended.push_back(state->service.id);
        else if (std::exchange(state->unsaved, false)) actions.push_back({Kind::save_service, state->service.id, {}});
    }
    actions.insert(actions.end(), impl.later.begin(), impl.later.end());
    for (const std::string& id : ended) {
        actions.push_back({Kind::end_service, id, {}});
        impl.services.erase(id);
    }
    return actions;
}

std::int64_t Orchestrator::next_time() const {
    std::int64_t first = 0;
    for (const auto& [id, state] : impl_->services) {
        if (state->service.removed_at != 0) continue;
        const std::int64_t time = state->next_time();
        if (time != 0 && (first == 0 || time < first)) first = time;
    }
    return first;
}

const Service* Orchestrator::service(const std::string& id) const {
    const ServiceState* state = impl_->find(id);
    return state ? &state->service : nullptr;
}

const Task* Orchestrator::task(const std::string& id) const {
    const auto at = impl_->by_task.find(id);
    return at == impl_->by_task.end() ? nullptr : &at->second->find(id)->task;
}

std::vector<const Service*> Orchestrator::services() const {
    std::vector<const Service*> found;
    for (const auto& [id, state] : impl_->services) found.push_back(&state->service);
    return found;
}

std::vector<const Task*> Orchestrator::tasks(const std::string& service_id) const {
    std::vector<const Task*> found;
    const ServiceState* state = impl_->find(service_id);
    if (!state) return found;
    for (const auto& [number, slot] : state->slots)
        for (const auto& entry : slot) found.push_back(&entry->task);
    return found;
}

std::set<std::uint64_t> Orchestrator::templates(const std::string& service_id) const {
    std::set<std::uint64_t> found;
    const ServiceState* state = impl_->find(service_id);
    if (!state) return found;
    found = {state->service.template_version, state->service.previous_template_version};
    for (const Task* task : tasks(service_id))
        if (task->state < TaskState::complete) found.insert(task->template_version);
    found.erase(0);
    return found;
}

bool Orchestrator::idle() const {
    return std::ranges::all_of(impl_->services, [](const auto& at) {
        const ServiceState& state = *at.second;
        if (state.service.removed_at != 0 || state.unreconciled || state.next_time() != 0) return false;
        return std::ranges::all_of(state.slots, [](const auto& slot) {
            return std::ranges::all_of(slot.second, [](const auto& e) { return e->ended() && !e->outlived; });
        });
    });
}

} // namespace davit::swarm
