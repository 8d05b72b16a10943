#include "reconcile/boot.hpp"

#include "base/shared_with.hpp"
#include "davit/swarm.hpp"
#include "reconcile/dependencies.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

bool resumes_itself(const std::string& project) {
    return project == swarm::services_project || project.starts_with(swarm::stack_project_prefix);
}

namespace {

using Kind = BootStep::Kind;

const char* policy_text(RestartKind kind) {
    switch (kind) {
    case RestartKind::no: return "restart: no";
    case RestartKind::always: return "restart: always";
    case RestartKind::unless_stopped: return "restart: unless-stopped";
    case RestartKind::on_failure: return "restart: on-failure";
    }
    return "";
}

// on-failure: the last run counts. One that nobody saw end ran when the machine went down, which is a failure.
BootStep after_last_run(const ContainerRecord& record, const ContainerStatus& status) {
    if (status.exit_known && status.exit_code == 0) return {Kind::leave, record.name, "its last run ended with 0"};
    if (record.restart.max_retries > 0 && status.restart_count >= record.restart.max_retries)
        return {Kind::leave, record.name, fmt::format("it was tried {} times", status.restart_count)};
    if (!status.exit_known) return {Kind::start, record.name, "it was running when the machine went down"};
    return {Kind::start, record.name, fmt::format("its last run ended with {}", status.exit_code)};
}

bool is_active(ContainerState state) {
    return state == ContainerState::running || state == ContainerState::paused || state == ContainerState::restarting;
}

} // namespace

BootStep at_boot(const ContainerRecord& record, const ContainerStatus& status, bool this_boot) {
    if (is_active(status.state)) return {Kind::runs, record.name, "it runs"};
    if (record.auto_remove && !this_boot) return {Kind::remove, record.name, "left over of run --rm"};
    const RestartKind policy = record.restart.kind;
    if (policy == RestartKind::no) return {Kind::leave, record.name, policy_text(policy)};
    if (record.desired == DesiredState::created) return {Kind::leave, record.name, "it was never started"};
    const bool stopped = record.desired == DesiredState::stopped;
    // Docker's daemon starts it too; in the boot in which somebody has stopped it, it stays so.
    if (stopped && (policy != RestartKind::always || this_boot))
        return {Kind::leave, record.name, "stopped by its user"};
    if (policy == RestartKind::on_failure) return after_last_run(record, status);
    return {Kind::start, record.name, policy_text(policy)};
}

namespace {

class Boot {
public:
    Boot(const Scene& scene, const std::map<std::string, BootStep>& steps, const std::set<std::string>& unable)
        : scene_(scene), steps_(steps), unable_(unable), needs_(dependencies_of(scene)),
          plan_(scene.observed.project, scene.model) {}

    BootPlan run() {
        for (const auto& c : scene_.observed.containers)
            if (kind_of(c) == Kind::remove) plan_.add(OpKind::remove_container, c, why(c)).remove_volumes = true;
        for (const auto& service : forward_order(needs_, services_of(scene_, {}, false))) start(service);
        out_.plan = plan_.take();
        return std::move(out_);
    }

private:
    Kind kind_of(const ObservedContainer& c) const { return steps_.at(c.record.id).kind; }
    const std::string& why(const ObservedContainer& c) const { return steps_.at(c.record.id).why; }

    void start(const std::string& service) {
        std::vector<const ObservedContainer*> to_start;
        for (const auto& c : scene_.observed.containers) {
            if (c.record.service != service) continue;
            if (kind_of(c) == Kind::runs) up_[service].push_back(&c);
            if (kind_of(c) == Kind::start && unable_.count(c.record.id)) missing_.insert(service);
            else if (kind_of(c) == Kind::start) to_start.push_back(&c);
        }
        if (to_start.empty()) return;
        std::set<int> before;
        if (const std::string lacks = gates(service, before); !lacks.empty()) {
            missing_.insert(service);
            out_.notes.push_back(
                fmt::format("service \"{}\" is not started: it needs \"{}\", which cannot be", service, lacks));
            return;
        }
        for (const auto* c : donors_first(std::move(to_start))) {
            std::set<int> after = before;
            for (const auto& donor : donors_of(c->record))
                if (auto op = starts_.find(donor); op != starts_.end()) after.insert(op->second);
            starts_[c->record.id] = plan_.add(OpKind::start_container, *c, why(*c), after).id;
            started_[service].insert(starts_[c->record.id]);
            up_[service].push_back(c);
        }
    }

    // Ids of the containers whose namespaces it joins.
    static std::vector<std::string> donors_of(const ContainerRecord& record) {
        std::vector<std::string> out;
        for (const auto* mode : {&record.network_mode, &record.ipc_mode, &record.pid_mode})
            if (const SharedWith other = SharedWith::parse(*mode); other.is_container()) out.emplace_back(other.name);
        return out;
    }

    // Outside of compose files nothing else says which one has to run first.
    static std::vector<const ObservedContainer*> donors_first(std::vector<const ObservedContainer*> all) {
        std::vector<const ObservedContainer*> out;
        while (!all.empty()) {
            const auto ready = [&](const ObservedContainer* c) {
                const auto donors = donors_of(c->record);
                return std::none_of(all.begin(), all.end(), [&](const ObservedContainer* other) {
                    return other != c && std::count(donors.begin(), donors.end(), other->record.id) != 0;
                });
            };
            const auto next = std::stable_partition(all.begin(), all.end(), ready);
            if (next == all.begin()) break; // in a circle: none of these can start
            out.insert(out.end(), all.begin(), next);
            all.erase(all.begin(), next);
        }
        out.insert(out.end(), all.begin(), all.end());
        return out;
    }

    // What it has to wait for; or the name of a service that it needs and that cannot start.
    std::string gates(const std::string& service, std::set<int>& before) {
        auto needed = needs_.find(service);
        if (needed == needs_.end()) return {};
        for (const auto& [on, dependency] : needed->second) {
            if (missing_.count(on) && dependency.required) return on;
            if (auto up = up_.find(on); up != up_.end())
                add_gate(plan_, on, dependency, started_[on], up->second, before);
            else if (!wants_end(dependency.condition) && has_containers(on))
                out_.notes.push_back(
                    fmt::format("service \"{}\" starts without \"{}\", whose restart policy lets it stay "
                                "down after a reboot",
                                service, on));
        }
        return {};
    }

    bool has_containers(const std::string& service) const {
        return std::any_of(scene_.observed.containers.begin(), scene_.observed.containers.end(),
                           [&](const auto& c) { return c.record.service == service && !c.record.oneoff; });
    }

    const Scene& scene_;
    const std::map<std::string, BootStep>& steps_;
    const std::set<std::string>& unable_;
    DependencyMap needs_;
    PlanBuilder plan_;
    BootPlan out_;
    std::map<std::string, std::vector<const ObservedContainer*>> up_; // by service: run, or are started
    std::map<std::string, std::set<int>> started_;                    // by service: the operations
    std::map<std::string, int> starts_;                               // by container
    std::set<std::string> missing_;                                   // services of which something cannot start
};

} // namespace

BootPlan plan_boot(const Scene& scene, const std::map<std::string, BootStep>& steps,
                   const std::set<std::string>& unable) {
    return Boot(scene, steps, unable).run();
}

Plan plan_shutdown(const Scene& scene, const Timeout& longest, bool hooks) {
    const DependencyMap needs = dependencies_of(scene);
    PlanBuilder plan(scene.observed.project);
    std::map<std::string, std::set<int>> stopped; // by service; one that does not run hands the order on
    for (const auto& service : reverse_order(needs, services_of(scene, {}, false))) {
        std::set<int> after;
        for (const auto& other : dependents_in(needs, service))
            after.insert(stopped[other].begin(), stopped[other].end());
        std::set<int> own;
        for (const auto& c : scene.observed.containers) {
            if (c.record.service != service || !c.active()) continue;
            Timeout grace;
            if (longest && c.record.stop_grace > longest->count()) grace = longest;
            const int op = plan.stop(c, "the machine goes down", after, grace);
            plan.at(op).skip_hooks = !hooks;
            own.insert(op);
        }
        stopped[service] = own.empty() ? after : own;
    }
    Plan out = plan.take();
    out.shutdown = true;
    return out;
}

Plan plan_shutdown_now(const Scene& scene) {
    PlanBuilder plan(scene.observed.project);
    for (const auto& c : scene.observed.containers)
        if (c.active()) plan.stop(c, "the machine goes down and waits no longer", {}, std::chrono::nanoseconds(0));
    Plan out = plan.take();
    out.shutdown = true;
    return out;
}

} // namespace davit
