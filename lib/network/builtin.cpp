#include "network/builtin.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "net/bridge.hpp"

#include <algorithm>

namespace davit {

namespace {

constexpr const char* names[] = {"bridge", "host", "none"};
// Docker's. Whatever has it keeps it: then the pools are asked.
constexpr const char *usual_subnet = "172.17.0.0/16", *usual_gateway = "172.17.0.1";

std::map<std::string, std::string> bridge_options(const std::string& bridge) {
    const std::string prefix = "com.docker.network.bridge.";
    return {{prefix + "default_bridge", "true"},
            {prefix + "enable_icc", "true"},
            {prefix + "enable_ip_masquerade", "true"},
            {prefix + "host_binding_ipv4", "0.0.0.0"},
            {prefix + "name", bridge},
            {"com.docker.network.driver.mtu", "1500"}};
}

} // namespace

bool is_builtin_network(const std::string& name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

NetworkRecord builtin_network(const std::string& name, const std::string& run_dir) {
    NetworkRecord r;
    r.name = name;
    r.id = sha256_hex("davit network " + name);
    if (name == "host") r.driver = "host";
    if (name == "none") r.driver = "null";
    if (name != "bridge") return r;
    r.bridge = net::bridge_name({}, name, run_dir);
    r.driver_opts = bridge_options(r.bridge);
    r.subnet4 = usual_subnet;
    r.gateway4 = usual_gateway;
    return r;
}

void add_builtin_networks(std::vector<NetworkRecord>& networks, const std::string& run_dir) {
    for (const char* name : names) {
        const auto at = std::lower_bound(networks.begin(), networks.end(), name,
                                         [](const NetworkRecord& r, const char* n) { return r.name < n; });
        if (at == networks.end() || at->name != name) networks.insert(at, builtin_network(name, run_dir));
    }
}

} // namespace davit
