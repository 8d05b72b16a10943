#include "davit/containers.hpp"

#include "base/error.hpp"
#include "engine/live/attachable.hpp"
#include "engine/machine/machine.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>

namespace davit {

namespace {

bool is_on(const ContainerRecord& record, const std::string& network) {
    return std::any_of(record.endpoints.begin(), record.endpoints.end(),
                       [&](const auto& e) { return e.network == network; });
}

} // namespace

void connect_network(Engine& engine, const NetworkInfo& network, const ContainerInfo& container,
                     const ConnectOptions& options, std::stop_token stop) {
    check_attachable(network, container.network_mode);
    check_endpoint(network, options);
    machine::act_on(
        EngineAccess::of(engine), container,
        [&](const ObservedContainer& c) {
            if (is_on(c.record, network.name))
                throw error(Errc::conflict, "endpoint with name {} already exists in network {}", c.record.name,
                            network.name);
            PlanBuilder plan(container.project);
            Operation& op = plan.add(OpKind::connect_network, c, "asked for");
            op.network = network.name;
            op.endpoint = options;
            return plan.take();
        },
        std::move(stop));
}

void disconnect_network(Engine& engine, const NetworkInfo& network, const ContainerInfo& container, bool force,
                        std::stop_token stop) {
    if (network.driver == "host" && container.network_mode == "host")
        throw error(Errc::conflict, "cannot disconnect container from host network - container was created in host "
                                    "network mode");
    machine::act_on(
        EngineAccess::of(engine), container,
        [&](const ObservedContainer& c) {
            PlanBuilder plan(container.project);
            if (!is_on(c.record, network.name)) {
                if (force) return plan.take();
                throw error(Errc::conflict, "container {} is not connected to network {}", c.record.id, network.name);
            }
            plan.add(OpKind::disconnect_network, c, "asked for").network = network.name;
            return plan.take();
        },
        std::move(stop));
}

} // namespace davit
