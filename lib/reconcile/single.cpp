#include "reconcile/single.hpp"

#include "base/error.hpp"
#include "reconcile/plan_builder.hpp"

namespace davit {

namespace {

constexpr const char* cause = "asked for";

Plan nothing(const ObservedContainer& container) { return PlanBuilder(container.record.project).take(); }

Operation& only(PlanBuilder& plan, OpKind kind, const ObservedContainer& container) {
    Operation& op = plan.add(kind, container, cause);
    if (kind == OpKind::stop_container || kind == OpKind::restart_container) plan.hooks(op, container);
    return op;
}

void require_active(const ObservedContainer& c) {
    if (!c.active()) throw error(Errc::conflict, "container {} is not running", c.record.id);
}

} // namespace

Plan plan_start(const ObservedContainer& c, const StartContainerOptions& options) {
    if (c.status.state == ContainerState::paused)
        throw error(Errc::conflict, "cannot start a paused container, try unpause instead");
    if (c.status.state == ContainerState::running) return nothing(c);
    PlanBuilder plan(c.record.project);
    only(plan, OpKind::start_container, c).hold_for_attach = options.hold_for_attach;
    return plan.take();
}

Plan plan_stop(const ObservedContainer& c, const StopContainerOptions& options) {
    if (!c.active()) return nothing(c);
    PlanBuilder plan(c.record.project);
    Operation& op = only(plan, OpKind::stop_container, c);
    op.signal = options.signal;
    op.timeout_ns = in_ns(options.timeout);
    return plan.take();
}

Plan plan_restart(const ObservedContainer& c, const StopContainerOptions& options) {
    PlanBuilder plan(c.record.project);
    Operation& op = only(plan, OpKind::restart_container, c);
    op.signal = options.signal;
    op.timeout_ns = in_ns(options.timeout);
    return plan.take();
}

Plan plan_kill(const ObservedContainer& c, const std::string& signal) {
    require_active(c);
    PlanBuilder plan(c.record.project);
    only(plan, OpKind::kill_container, c).signal = signal;
    return plan.take();
}

Plan plan_pause(const ObservedContainer& c) {
    require_active(c);
    if (c.status.state == ContainerState::paused)
        throw error(Errc::conflict, "container {} is already paused", c.record.id);
    PlanBuilder plan(c.record.project);
    only(plan, OpKind::pause_container, c);
    return plan.take();
}

Plan plan_unpause(const ObservedContainer& c) {
    if (c.status.state != ContainerState::paused)
        throw error(Errc::conflict, "Container {} is not paused", c.record.id);
    PlanBuilder plan(c.record.project);
    only(plan, OpKind::unpause_container, c);
    return plan.take();
}

Plan plan_remove(const ObservedContainer& c, const RemoveContainerOptions& options) {
    if (c.active() && !options.force) {
        const bool paused = c.status.state == ContainerState::paused;
        throw error(Errc::conflict, "cannot remove container \"{}\": container is {}{}", c.record.name,
                    to_string(c.status.state),
                    paused ? " and must be unpaused first" : ": stop the container before removing or force remove");
    }
    PlanBuilder plan(c.record.project);
    Operation& op = only(plan, OpKind::remove_container, c);
    op.force = options.force;
    op.remove_volumes = options.volumes;
    return plan.take();
}

} // namespace davit
