#include "reconcile/reconciler.hpp"

#include "model/ecs_task.hpp"
#include "reconcile/claims.hpp"
#include "reconcile/default_bridge.hpp"
#include "reconcile/lifecycle.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

const char* gate_text(DependencyCondition condition) {
    switch (condition) {
    case DependencyCondition::started: return "dependents need it started";
    case DependencyCondition::healthy: return "dependents need it healthy";
    case DependencyCondition::completed_successfully: return "dependents need it completed";
    case DependencyCondition::completed: return "dependents need it ended";
    }
    return "";
}

} // namespace

void limit_wait(Operation& gate, std::int64_t start_timeout) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t own = start_timeout * second;
    if (own <= 0 || (gate.timeout_ns && *gate.timeout_ns <= own)) return;
    gate.timeout_ns = own;
    gate.limited_by = "startTimeout";
}

WaitCondition wait_condition(DependencyCondition condition) {
    switch (condition) {
    case DependencyCondition::started: return WaitCondition::started;
    case DependencyCondition::healthy: return WaitCondition::healthy;
    case DependencyCondition::completed_successfully: return WaitCondition::completed_successfully;
    case DependencyCondition::completed: return WaitCondition::exited;
    }
    return WaitCondition::started;
}

int Reconciler::gate(const std::string& on, const Dependency& dependency) {
    auto [it, fresh] = gates_.emplace(std::tuple(on, dependency.condition, dependency.required), 0);
    if (!fresh) return it->second;
    std::set<int> after;
    std::vector<std::string> ids;
    const auto& slots = services_.at(on).slots;
    for (const auto& slot : slots) {
        after.insert(slot.start);
        ids.push_back(slot.id);
    }
    Operation& op = plan_.add(OpKind::wait_container, "service:" + on, gate_text(dependency.condition), after);
    if (slots.size() == 1) op.container_name = slots.front().name;
    op.condition = wait_condition(dependency.condition);
    op.wait_for = std::move(ids);
    op.required = dependency.required;
    if (options_.wait_timeout.count() > 0) op.timeout_ns = std::chrono::nanoseconds(options_.wait_timeout).count();
    if (const auto task = ecs_task_of(*services_.at(on).service)) limit_wait(op, task->start_timeout);
    return it->second = op.id;
}

// What has to have happened before a container of this service may start.
std::set<int> Reconciler::gates(const Service& service) {
    std::set<int> after;
    for (const auto& [on, dependency] : service.depends_on) {
        auto it = services_.find(on);
        if (it == services_.end() || it->second.slots.empty()) continue;
        if (dependency.condition == DependencyCondition::started) {
            for (const auto& slot : it->second.slots) after.insert(slot.start);
            continue;
        }
        after.insert(gate(on, dependency));
    }
    return after;
}

// Stops by which this plan frees what the service needs: another service, a replica or an orphan had it.
std::set<int> Reconciler::releases(const Service& service) const {
    std::set<int> after;
    for (const auto& c : observed_.containers)
        if (const int stop = plan_.stop_of(c.record.id); stop != 0 && competes(c.record, service, project_))
            after.insert(stop);
    return after;
}

void Reconciler::start(ServicePlan& service) {
    const bool any = std::any_of(service.slots.begin(), service.slots.end(), [](const auto& s) { return s.starts; });
    if (!any) return;
    std::set<int> before = gates(*service.service);
    before.insert(pre_start(service, before));
    before.merge(releases(*service.service));
    std::vector<int> rolled; // the last operations of those that are replaced while they run
    const Slot* last = nullptr;
    for (auto& slot : service.slots) {
        if (!slot.starts) continue;
        std::set<int> after = before;
        if (slot.rolling) after.merge(roll_gate(service, rolled, last));
        after.insert(slot.ready);
        for (const auto& key : network_keys(*service.service))
            if (auto it = network_ops_.find(key); !slot.fresh() && it != network_ops_.end()) after.insert(it->second);
        const std::string resource = fmt::format("service:{}:{}", service.service->name, slot.number);
        std::string cause = "created";
        if (!slot.fresh()) {
            plan_.saw(*slot.existing);
            cause = plan_.stop_of(slot.id) ? "stopped by this plan"
                                           : fmt::format("it is {}", to_string(slot.existing->status.state));
        }
        Operation& op = plan_.add(OpKind::start_container, resource, cause, after);
        op.container_id = slot.id;
        op.container_name = slot.name;
        slot.start = op.id;
        if (!slot.rolling) continue;
        rolled.push_back(roll_over(service, slot));
        last = &slot;
    }
}

// What is stopped for a network's sake and is no service's that was asked for runs again too.
void Reconciler::restart_others() {
    for (const auto& c : observed_.containers) {
        const int stopped = plan_.stop_of(c.record.id);
        if (!restarting_.count(c.record.id) || services_.count(c.record.service) || stopped == 0 ||
            plan_.removes(c.record.id))
            continue;
        std::set<int> after{stopped};
        for (const auto& [key, op] : network_ops_)
            if (attached(c.record, project_.networks.at(key).name)) after.insert(op);
        plan_.add(OpKind::start_container, c, "stopped by this plan", after);
    }
}

// A one-shot that ends counts as a failure, as in Compose, unless a dependent waits for its end.
void Reconciler::wait(const ServicePlan& service) {
    WaitCondition condition =
        wanted_.healthchecks.count(service.service->name) ? WaitCondition::healthy : WaitCondition::started;
    for (const auto& [unused, other] : services_) {
        auto it = other.service->depends_on.find(service.service->name);
        if (it == other.service->depends_on.end()) continue;
        if (it->second.condition == DependencyCondition::completed_successfully ||
            (it->second.condition == DependencyCondition::completed &&
             condition != WaitCondition::completed_successfully))
            condition = wait_condition(it->second.condition);
    }
    for (const auto& slot : service.slots) {
        Operation& op =
            plan_.add(OpKind::wait_container, fmt::format("service:{}:{}", service.service->name, slot.number),
                      "--wait", {slot.start});
        op.condition = condition;
        op.container_name = slot.name;
        op.wait_for = {slot.id};
        if (options_.wait_timeout.count() > 0) op.timeout_ns = std::chrono::nanoseconds(options_.wait_timeout).count();
    }
}

// Each hook is a container of its own that shares the volumes of the lowest replica and has to end
// with 0 before any replica starts. Not when one is running already.
int Reconciler::pre_start(ServicePlan& service, std::set<int> after) {
    const Service& s = *service.service;
    if (s.pre_start.empty()) return 0;
    for (const auto& slot : service.slots)
        if (slot.existing && slot.existing->active() && plan_.stop_of(slot.existing->record.id) == 0) return 0;
    const Slot& first = service.slots.front();
    after.insert(first.ready);
    int last = 0;
    for (std::size_t i = 0; i < s.pre_start.size(); ++i) {
        NewContainer& made = out_.containers.emplace_back();
        made.id = options_.new_id();
        made.name = made.created_as =
            fmt::format("{}-{}-pre_start-{}-{}", project_.name, s.name, i, made.id.substr(0, 12));
        made.service = s.name;
        made.pre_start = static_cast<int>(i);
        made.donor = first.id;
        const std::string resource = fmt::format("pre_start:{}:{}", s.name, i);
        auto add = [&](OpKind kind, std::set<int> needs) -> Operation& {
            Operation& op = plan_.add(kind, resource, "pre_start hook", std::move(needs));
            op.container_id = made.id;
            op.container_name = made.name;
            return op;
        };
        const int staged = add(OpKind::stage_container, {}).id;
        std::set<int> needs = after;
        needs.insert(staged);
        needs.insert(last);
        const int created = add(OpKind::create_container, needs).id;
        const int started = add(OpKind::start_container, {created}).id;
        Operation& wait = add(OpKind::wait_container, {started});
        wait.condition = WaitCondition::completed_successfully;
        wait.wait_for = {made.id};
        const int ended = wait.id;
        last = add(OpKind::remove_container, {ended}).id;
    }
    return last;
}

} // namespace davit
