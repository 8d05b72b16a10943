// Replaced while the old one runs: `deploy.update_config.order: start-first`, or `up --rolling`. The new container
// proves itself without the old one's ports and names, takes them over, and only then the old one stops.
#include "reconcile/reconciler.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

namespace {

const UpdateConfig* update_config(const Service& service) {
    return service.deploy && service.deploy->update_config ? &*service.deploy->update_config : nullptr;
}

bool start_first(const Service& service) {
    const UpdateConfig* update = update_config(service);
    return update && update->order == "start-first";
}

} // namespace

// Why two containers of the service cannot run side by side; empty: they can.
std::string Reconciler::no_rolling(const Service& service) const {
    if (!service.container_name.empty()) return fmt::format("it has the container_name \"{}\"", service.container_name);
    if (!service.network_mode.empty() && service.network_mode != "bridge" && service.network_mode != "none")
        return fmt::format("it has network_mode \"{}\"", service.network_mode);
    for (const auto& [network, attachment] : service.networks)
        if (attachment && (!attachment->ipv4_address.empty() || !attachment->ipv6_address.empty()))
            return fmt::format("it has a static address on network \"{}\"", network);
    for (const auto& port : service.ports)
        if (port.mode == "host") return fmt::format("port {} has mode: host", port.target);
    for (const auto& [name, other] : project_.services)
        for (const auto* mode : {&other.network_mode, &other.ipc, &other.pid})
            if (SharedWith::parse(*mode).kind == SharedWith::Kind::service &&
                SharedWith::parse(*mode).name == service.name)
                return fmt::format("service \"{}\" is in its namespaces", name);
    return "";
}

bool Reconciler::shared_writable(const ServicePlan& plan) const {
    for (const auto& slot : plan.slots)
        if (slot.rolling)
            for (const auto& mount : slot.existing->record.mounts)
                if (mount.type == "volume" && !mount.read_only &&
                    !(mount.anonymous && options_.renew_anonymous_volumes))
                    return true;
    return false;
}

void Reconciler::decide_rolling(ServicePlan& plan) {
    const Service& service = *plan.service;
    if (!plan.recreated || !options_.start || !(options_.rolling || start_first(service))) return;
    if (const std::string why = no_rolling(service); !why.empty()) {
        if (options_.rolling)
            throw put_at(
                error(Errc::invalid_project, "service \"{}\" cannot be replaced while it runs: {}", service.name, why)
                    .with_hint("leave --rolling out: the old container is stopped first then"),
                "services." + service.name, service.origin.pos);
        out_.warnings.push_back(fmt::format("service \"{}\" has order: start-first, but its old containers are stopped "
                                            "first: {}",
                                            service.name, why));
        return;
    }
    for (auto& slot : plan.slots) {
        slot.rolling = slot.existing && slot.fresh() && slot.existing->active();
        plan.rolling = plan.rolling || slot.rolling;
    }
    if (shared_writable(plan))
        out_.warnings.push_back(fmt::format("service \"{}\": the old and the new container write to the same volume "
                                            "while one replaces the other",
                                            service.name));
}

void Reconciler::emit_rolling(ServicePlan& service, Slot& slot) {
    const std::string name = slot.id.substr(0, 12) + "_" + slot.name;
    emit_replacement(service, slot, name).takes_over = slot.existing->record.id;
}

// What the next container of a service has to wait for: those before it, as many at once as update_config says.
std::set<int> Reconciler::roll_gate(const ServicePlan& service, const std::vector<int>& done, const Slot* last) {
    const UpdateConfig* update = update_config(*service.service);
    const std::uint64_t at_once = update ? update->parallelism.value_or(1) : 1;
    if (at_once == 0 || done.size() < at_once) return {};
    std::set<int> after{done[done.size() - at_once]};
    if (!update || update->delay.count() <= 0 || !last) return after;
    Operation& pause =
        plan_.add(OpKind::wait_container, fmt::format("service:{}:{}", service.service->name, last->number),
                  "update_config.delay", after);
    pause.wait_for = {last->id};
    pause.container_name = last->name;
    pause.settle_ns = update->delay.count();
    return {pause.id};
}

// From the new one's start to the moment when nothing of the old one is left. The last operation's number.
int Reconciler::roll_over(ServicePlan& service, Slot& slot) {
    const ObservedContainer& old = *slot.existing;
    const UpdateConfig* update = update_config(*service.service);
    const std::string resource = fmt::format("service:{}:{}", service.service->name, slot.number);
    Operation& proof = plan_.add(OpKind::wait_container, resource, "it takes over when it works", {slot.start});
    const bool checked = wanted_.healthchecks.count(service.service->name) != 0;
    proof.condition = checked ? WaitCondition::healthy : WaitCondition::started;
    proof.wait_for = {slot.id};
    proof.container_name = out_.named(slot.id).created_as; // the old one is called as it will be
    if (!checked && update && update->monitor.count() > 0) proof.settle_ns = update->monitor.count();
    std::set<int> before = stop_dependents(service.service->name);
    before.insert(proof.id);
    Operation& handed = plan_.add(OpKind::hand_over_container, resource, slot.recreate_cause, before);
    handed.container_id = slot.id;
    handed.container_name = slot.name;
    handed.replaces = old.record.id;
    const int taken = handed.id;
    const int stopped = plan_.stop(old, slot.recreate_cause, {taken}, options_.timeout);
    return emit_removal_of_old(slot, {taken, stopped});
}

} // namespace davit
