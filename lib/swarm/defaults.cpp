#include "davit/service_spec.hpp"

#include <string>

namespace davit::swarm {

namespace {

constexpr std::int64_t second = 1'000'000'000;

void fill(std::optional<UpdateConfig>& given) {
    UpdateConfig& u = given ? *given : given.emplace();
    if (u.failure_action.empty()) u.failure_action = "pause";
    if (u.monitor.value_or(0) == 0) u.monitor = 5 * second; // the API cannot tell none from 0
    if (u.order.empty()) u.order = "stop-first";
}

void fill(ServiceMode& mode) {
    if (mode.kind == ModeKind::replicated && !mode.replicas) mode.replicas = 1;
    if (mode.kind != ModeKind::replicated_job) return;
    if (!mode.max_concurrent) mode.max_concurrent = 1;
    if (!mode.total_completions) mode.total_completions = mode.max_concurrent;
}

void fill(TaskSpec& task) {
    ContainerSpec& container = task.container;
    if (!container.stop_grace_period) container.stop_grace_period = 10 * second;
    if (!container.dns_config) container.dns_config.emplace();
    if (container.isolation.empty()) container.isolation = "default";
    if (!task.resources) task.resources.emplace();
    RestartPolicy& restart = task.restart_policy ? *task.restart_policy : task.restart_policy.emplace();
    if (restart.condition.empty()) restart.condition = "any";
    if (!restart.delay) restart.delay = 5 * second;
    if (!restart.max_attempts) restart.max_attempts = 0;
    if (!task.placement) task.placement.emplace();
}

} // namespace

ServiceSpec with_defaults(const ServiceSpec& spec) {
    ServiceSpec out = spec;
    fill(out.task);
    fill(out.mode);
    fill(out.update_config);
    fill(out.rollback_config);
    EndpointSpec& endpoint = out.endpoint ? *out.endpoint : out.endpoint.emplace();
    if (endpoint.mode.empty()) endpoint.mode = "vip";
    return out;
}

} // namespace davit::swarm
