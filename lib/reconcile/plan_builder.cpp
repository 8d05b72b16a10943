#include "reconcile/plan_builder.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

void check_container_name(const std::string& name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const bool right = name.size() >= 2 && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
                           return letter(c) || c == '_' || c == '.' || c == '-';
                       });
    if (!right)
        throw error(Errc::invalid_project, "Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                    name)
            .with_hint("at least two letters, digits, '_', '.' or '-', starting with a letter or digit");
}

std::string resource_of(const ContainerRecord& record) {
    if (record.project == machine_project) return "container:" + record.name;
    if (record.oneoff) return fmt::format("run:{}:{}", record.service, record.name);
    return fmt::format("service:{}:{}", record.service, record.number);
}

std::optional<std::int64_t> in_ns(const std::optional<std::chrono::nanoseconds>& time) {
    if (!time) return std::nullopt;
    return time->count();
}

Operation& PlanBuilder::add(OpKind kind, std::string resource, std::string cause, std::set<int> after) {
    Operation op;
    op.id = static_cast<int>(plan_.operations.size()) + 1;
    op.kind = kind;
    op.resource = std::move(resource);
    op.cause = std::move(cause);
    after.erase(0);
    op.after.assign(after.begin(), after.end());
    return plan_.operations.emplace_back(std::move(op));
}

Operation& PlanBuilder::add(OpKind kind, const ObservedContainer& container, std::string cause, std::set<int> after) {
    saw(container);
    Operation& op = add(kind, resource_of(container.record), std::move(cause), std::move(after));
    op.container_id = container.record.id;
    op.container_name = container.record.name;
    return op;
}

int PlanBuilder::stop(const ObservedContainer& container, const std::string& cause, std::set<int> after,
                      const std::optional<std::chrono::nanoseconds>& timeout) {
    auto [it, fresh] = stops_.emplace(container.record.id, 0);
    if (!fresh) return it->second;
    Operation& op = add(OpKind::stop_container, container, cause, std::move(after));
    op.timeout_ns = in_ns(timeout);
    hooks(op, container);
    return it->second = op.id;
}

void PlanBuilder::hooks(Operation& op, const ObservedContainer& container) const {
    op.skip_hooks = !container.record.pre_stop.empty() && (!model_ || !model_->find(container.record.service));
}

bool PlanBuilder::removes(const std::string& container_id) const {
    return std::any_of(plan_.operations.begin(), plan_.operations.end(), [&](const auto& op) {
        return op.kind == OpKind::remove_container && op.container_id == container_id;
    });
}

int PlanBuilder::stop_of(const std::string& container_id) const {
    auto it = stops_.find(container_id);
    return it == stops_.end() ? 0 : it->second;
}

} // namespace davit
