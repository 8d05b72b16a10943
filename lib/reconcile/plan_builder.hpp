// Numbers operations and keeps each one's causes and prerequisites in order.
#pragma once

#include "davit/plan.hpp"
#include "reconcile/observed.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit {

// "service:web:1"; one-offs: "run:web:<name>".
std::string resource_of(const ContainerRecord& record);

// Throws Error(invalid_project) for what the engine takes for no container's name (compose files may say more).
void check_container_name(const std::string& name);

class PlanBuilder {
public:
    // Containers of services that the model lacks are stopped without their hooks, as in Compose; so are
    // all when there is no model.
    explicit PlanBuilder(std::string project, const Project* model = nullptr) : model_(model) {
        plan_.project = std::move(project);
    }

    Operation& add(OpKind kind, std::string resource, std::string cause, std::set<int> after = {});
    // The same for a container that exists; its intent generation goes into Plan::seen.
    Operation& add(OpKind kind, const ObservedContainer& container, std::string cause, std::set<int> after = {});
    // Marks a stop or restart.
    void hooks(Operation& op, const ObservedContainer& container) const;
    // At most one stop for a container; the number of the operation.
    int stop(const ObservedContainer& container, const std::string& cause, std::set<int> after,
             const std::optional<std::chrono::nanoseconds>& timeout);
    void saw(const ObservedContainer& container) { plan_.seen[container.record.id] = container.record.generation; }
    Operation& at(int id) { return plan_.operations[static_cast<std::size_t>(id) - 1]; }
    // 0: none
    int stop_of(const std::string& container_id) const;
    bool removes(const std::string& container_id) const;
    Plan take() { return std::move(plan_); }

private:
    const Project* model_;
    Plan plan_;
    std::map<std::string, int> stops_;
};

std::optional<std::int64_t> in_ns(const std::optional<std::chrono::nanoseconds>& time);

} // namespace davit
