#include "davit/networks.hpp"

#include "base/error.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>

namespace davit {

NetworkInfo network(Engine& engine, const std::string& name_or_id) {
    for (NetworkInfo& n : engine.networks())
        if (n.name == name_or_id || (name_or_id.size() >= 4 && n.id.starts_with(name_or_id))) return std::move(n);
    throw error(Errc::not_found, "network {} not found", name_or_id);
}

std::vector<ContainerInfo> containers_of(Engine& engine, const NetworkInfo& network) {
    std::vector<ContainerInfo> all = engine.all_containers();
    std::erase_if(all, [&](const ContainerInfo& c) {
        return std::none_of(c.networks.begin(), c.networks.end(),
                            [&](const AttachedNetwork& a) { return a.name == network.name; });
    });
    return all;
}

void remove_network(Engine& engine, const std::string& name_or_id) {
    const NetworkInfo found = network(engine, name_or_id);
    if (const auto users = containers_of(engine, found); !users.empty())
        throw error(Errc::conflict, "network {} is in use by container {}", name_or_id, users.front().name);
    PlanBuilder plan(found.project);
    plan.add(OpKind::remove_network, "network:" + found.compose_name, "asked for").network = found.name;
    engine.apply(plan.take());
}

} // namespace davit
