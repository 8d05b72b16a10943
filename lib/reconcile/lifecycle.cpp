#include "reconcile/lifecycle.hpp"

#include "base/error.hpp"
#include "base/glob.hpp"
#include "reconcile/dependencies.hpp"
#include "reconcile/labels.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

bool contains(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_hook(const ObservedContainer& c) { return c.record.labels.count(label::hook) != 0; }

// The replicas of these services, without one-offs.
std::vector<const ObservedContainer*> replicas_of(const Scene& scene, const std::vector<std::string>& services) {
    std::vector<const ObservedContainer*> out;
    for (const auto& c : scene.observed.containers)
        if (!c.record.oneoff && !is_hook(c) && contains(services, c.record.service)) out.push_back(&c);
    return out;
}

const Service* in_model(const Scene& scene, const std::string& service) {
    if (!scene.model) return nullptr;
    auto it = scene.model->services.find(service);
    return it == scene.model->services.end() ? nullptr : &it->second;
}

} // namespace

std::vector<std::string> services_of(const Scene& scene, const std::vector<std::string>& patterns, bool must_exist) {
    std::vector<std::string> known;
    if (scene.model)
        for (const auto& [name, unused] : scene.model->services) known.push_back(name);
    else
        for (const auto& c : scene.observed.containers)
            if (!contains(known, c.record.service)) known.push_back(c.record.service);
    if (patterns.empty()) return known;
    std::vector<std::string> out;
    for (const auto& pattern : patterns) {
        bool found = false;
        for (const auto& name : known)
            if (name == pattern || glob_match(pattern, name)) {
                found = true;
                if (!contains(out, name)) out.push_back(name);
            }
        // Naming a service on the command line reaches it even when its profile is not active.
        if (!found && scene.model && scene.model->disabled_services.count(pattern)) {
            found = true;
            out.push_back(pattern);
        }
        if (!found && must_exist) throw error(Errc::not_found, "no such service: {}", pattern);
    }
    return out;
}

// Against the dependencies: who needs a service stops before it.
Plan plan_stop(const Scene& scene, const StopOptions& options) {
    const auto services = services_of(scene, options.services, false);
    const DependencyMap needs = dependencies_of(scene);
    PlanBuilder plan(scene.observed.project, scene.model);
    std::map<std::string, std::set<int>> stopped; // by service
    for (const auto& service : reverse_order(needs, services)) {
        std::set<int> after;
        for (const auto& other : dependents_in(needs, service))
            after.insert(stopped[other].begin(), stopped[other].end());
        // A service between two that are not stopped itself hands the order on.
        stopped[service] = after;
        for (const auto* c : replicas_of(scene, {service}))
            if (contains(services, service) && c->active())
                stopped[service].insert(plan.stop(*c, "stop", after, options.timeout));
    }
    return plan.take();
}

// What a service waits for before it begins: that the containers of `on` have begun, or what it asks of them.
void add_gate(PlanBuilder& plan, const std::string& on, const Dependency& dependency, const std::set<int>& begun,
              const std::vector<const ObservedContainer*>& containers, std::set<int>& before,
              std::chrono::nanoseconds limit) {
    if (dependency.condition == DependencyCondition::started) return before.insert(begun.begin(), begun.end());
    Operation& gate = plan.add(OpKind::wait_container, "service:" + on, "dependents wait for it", begun);
    gate.condition = wait_condition(dependency.condition);
    for (const auto* c : containers) gate.wait_for.push_back(c->record.id);
    if (containers.size() == 1) gate.container_name = containers.front()->record.name;
    gate.required = dependency.required;
    if (limit.count() > 0) gate.timeout_ns = limit.count();
    for (const auto* c : containers)
        if (c->record.ecs) limit_wait(gate, c->record.ecs->start_timeout);
    before.insert(gate.id);
}

Plan plan_start(const Scene& scene, const StartOptions& options) {
    if (!scene.model && scene.observed.containers.empty())
        throw error(Errc::not_found, "no container found for project \"{}\": not found", scene.observed.project);
    const DependencyMap needs = dependencies_of(scene);
    const auto services = with_dependencies(needs, services_of(scene, options.services, true));
    // As docker compose: only of a project without any container is it an error that a service has none.
    const auto& there = scene.observed.containers;
    const bool any = std::any_of(there.begin(), there.end(), [](const auto& c) { return !c.record.oneoff; });
    PlanBuilder plan(scene.observed.project, scene.model);
    std::map<std::string, std::set<int>> started;
    std::map<std::string, std::vector<const ObservedContainer*>> all;
    for (const auto& service : forward_order(needs, services)) {
        const auto containers = replicas_of(scene, {service});
        if (containers.empty()) {
            const Service* s = in_model(scene, service);
            if (!any && s && replicas(*s) > 0)
                throw error(Errc::failed, "service \"{}\" has no container to start", service);
            continue;
        }
        for (const auto* c : containers) all[service].push_back(c);
        if (std::all_of(containers.begin(), containers.end(), [](const auto* c) { return c->active(); })) continue;
        std::set<int> before;
        for (const auto& [on, dependency] :
             needs.count(service) ? needs.at(service) : std::map<std::string, Dependency>()) {
            if (!all[on].empty()) add_gate(plan, on, dependency, started[on], all[on], before, options.wait_timeout);
        }
        for (const auto* c : containers) {
            if (c->active()) continue;
            started[service].insert(
                plan.add(OpKind::start_container, *c, fmt::format("it is {}", to_string(c->status.state)), before).id);
        }
    }
    if (!options.wait) return plan.take();
    for (const auto& service : services)
        for (const auto* c : replicas_of(scene, {service})) {
            Operation& wait = plan.add(OpKind::wait_container, resource_of(c->record), "--wait", started[service]);
            wait.condition = c->record.healthcheck ? WaitCondition::healthy : WaitCondition::started;
            wait.container_name = c->record.name;
            wait.wait_for = {c->record.id};
            if (options.wait_timeout.count() > 0)
                wait.timeout_ns = std::chrono::nanoseconds(options.wait_timeout).count();
        }
    return plan.take();
}

Plan plan_restart(const Scene& scene, const RestartOptions& options) {
    const DependencyMap needs = dependencies_of(scene);
    auto services = services_of(scene, options.services, true);
    auto asks_restart = [&](const std::string& service, const std::string& on) {
        auto it = needs.find(service);
        if (it == needs.end()) return false;
        auto dependency = it->second.find(on);
        return dependency != it->second.end() && dependency->second.restart;
    };
    if (!options.no_deps)
        for (std::size_t i = 0; i < services.size(); ++i)
            for (const auto& other : dependents_in(needs, services[i]))
                if (asks_restart(other, services[i]) && !contains(services, other)) services.push_back(other);
    PlanBuilder plan(scene.observed.project, scene.model);
    std::map<std::string, std::set<int>> restarted;
    std::map<std::string, std::vector<const ObservedContainer*>> all;
    for (const auto& service : forward_order(needs, services)) {
        std::set<int> after;
        for (const auto& other : services)
            if (asks_restart(service, other) && !all[other].empty())
                add_gate(plan, other, needs.at(service).at(other), restarted[other], all[other], after);
        for (const auto* c : replicas_of(scene, {service})) {
            Operation& op = plan.add(OpKind::restart_container, *c, "restart", after);
            op.timeout_ns = in_ns(options.timeout);
            plan.hooks(op, *c);
            restarted[service].insert(op.id);
            all[service].push_back(c);
        }
    }
    return plan.take();
}

Plan plan_kill(const Scene& scene, const KillOptions& options) {
    PlanBuilder plan(scene.observed.project, scene.model);
    auto kill = [&](const ObservedContainer& c, const char* cause) {
        if (c.active()) plan.add(OpKind::kill_container, c, cause).signal = options.signal;
    };
    const auto services = services_of(scene, options.services, false);
    for (const auto& c : scene.observed.containers) // one-offs too
        if (!is_hook(c) && contains(services, c.record.service)) kill(c, "kill");
    if (options.remove_orphans && scene.model)
        for (const auto& c : scene.observed.containers)
            if (!scene.model->find(c.record.service)) kill(c, "orphan");
    return plan.take();
}

namespace {

Plan pausing(const Scene& scene, const std::vector<std::string>& names, OpKind kind, ContainerState wrong,
             const char* complaint) {
    PlanBuilder plan(scene.observed.project, scene.model);
    // As Docker Compose: what no file is there to deny is a service without containers.
    for (const auto* c : replicas_of(scene, services_of(scene, names, scene.model != nullptr))) {
        if (!c->active()) continue;
        if (c->status.state == wrong) throw error(Errc::conflict, "container {} {}", c->record.name, complaint);
        plan.add(kind, *c, kind == OpKind::pause_container ? "pause" : "unpause");
    }
    return plan.take();
}

} // namespace

Plan plan_pause(const Scene& scene, const std::vector<std::string>& services) {
    return pausing(scene, services, OpKind::pause_container, ContainerState::paused, "is already paused");
}

Plan plan_unpause(const Scene& scene, const std::vector<std::string>& services) {
    return pausing(scene, services, OpKind::unpause_container, ContainerState::running, "is not paused");
}

std::vector<const ObservedContainer*> removable(const Scene& scene, const RmOptions& options) {
    std::vector<const ObservedContainer*> out;
    const auto services = services_of(scene, options.services, false);
    for (const auto& c : scene.observed.containers)
        if (contains(services, c.record.service) && !c.record.oneoff && (!c.active() || options.stop))
            out.push_back(&c);
    return out;
}

Plan plan_rm(const Scene& scene, const RmOptions& options) {
    Plan stops = options.stop ? plan_stop(scene, {options.services, {}}) : Plan{};
    PlanBuilder plan(scene.observed.project, scene.model);
    std::map<std::string, int> stopped;
    for (const auto& op : stops.operations) {
        const ObservedContainer* c = scene.observed.find(op.container_id);
        stopped[op.container_id] = plan.stop(*c, "rm --stop", {op.after.begin(), op.after.end()}, {});
    }
    for (const auto* c : removable(scene, options))
        plan.add(OpKind::remove_container, *c, "rm", {stopped[c->record.id]}).remove_volumes = options.volumes;
    return plan.take();
}

} // namespace davit
