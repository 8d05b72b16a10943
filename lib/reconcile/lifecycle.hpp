// Plans over containers that exist: stop, start, restart, kill, pause, rm, down. Pure.
#pragma once

#include "davit/engine.hpp"
#include "davit/plan.hpp"
#include "reconcile/observed.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit {

// What is there and, if a compose file was read, what it says. Without a model the labels of the
// containers tell which service needs which.
struct Scene {
    const ObservedState& observed;
    const Project* model = nullptr;
};

// The services that patterns name: with a model its own (globs allowed), without one those that
// have containers. Empty patterns: all. Names that fit nothing throw not_found if must_exist.
std::vector<std::string> services_of(const Scene& scene, const std::vector<std::string>& patterns, bool must_exist);

// What a plan waits for where a service asks that of another.
WaitCondition wait_condition(DependencyCondition condition);
// start_timeout: of an ECS task definition, seconds; 0: none.
void limit_wait(Operation& gate, std::int64_t start_timeout);
// Adds to `before` what a service waits for that needs the containers of `on`: that they have begun (the operations
// `begun`), or a gate for what it asks of them.
void add_gate(class PlanBuilder& plan, const std::string& on, const Dependency& dependency, const std::set<int>& begun,
              const std::vector<const ObservedContainer*>& containers, std::set<int>& before,
              std::chrono::nanoseconds limit = {});

Plan plan_stop(const Scene& scene, const StopOptions& options);
// Throws failed "service \"a\" has no container to start".
Plan plan_start(const Scene& scene, const StartOptions& options);
Plan plan_restart(const Scene& scene, const RestartOptions& options);
Plan plan_kill(const Scene& scene, const KillOptions& options);
// Throws conflict when a named container is paused already, or not paused.
Plan plan_pause(const Scene& scene, const std::vector<std::string>& services);
Plan plan_unpause(const Scene& scene, const std::vector<std::string>& services);
Plan plan_rm(const Scene& scene, const RmOptions& options);
// The containers plan_rm would remove.
std::vector<const ObservedContainer*> removable(const Scene& scene, const RmOptions& options);

struct DownPlan {
    Plan plan;
    std::vector<std::string> images;   // references of the removed containers' services, for --rmi
    std::vector<std::string> warnings; // what stays, and why
};
DownPlan plan_down(const Scene& scene, const DownOptions& options);

} // namespace davit
