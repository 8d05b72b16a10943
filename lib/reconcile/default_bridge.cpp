#include "reconcile/default_bridge.hpp"

#include <algorithm>

namespace davit {

void add_default_bridge(Project& project) {
    const auto& services = project.services;
    if (std::none_of(services.begin(), services.end(), [](const auto& s) { return s.second.network_mode == "bridge"; }))
        return;
    Network network;
    network.key = default_bridge_key;
    network.name = project.name + ".bridge"; // names made of keys have no dot after the project's name
    network.driver_opts["com.docker.network.bridge.default_bridge"] = "true";
    project.networks[network.key] = network;
}

std::vector<std::string> network_keys(const Service& service) {
    if (service.network_mode == "bridge") return {default_bridge_key};
    std::vector<std::string> out;
    if (!service.network_mode.empty()) return out;
    for (const auto& [key, unused] : service.networks) out.push_back(key);
    return out;
}

} // namespace davit
