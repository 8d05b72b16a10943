#include "network/subnets.hpp"

#include "base/error.hpp"
#include "base/network_drivers.hpp"
#include "net/bridge.hpp"
#include "network/options.hpp"

#include <optional>

namespace davit {

std::vector<net::Taken> taken_by(const std::vector<NetworkRecord>& records, const std::string& except) {
    std::vector<net::Taken> out;
    for (const auto& r : records) {
        if (r.name == except) continue;
        for (const auto& subnet : {r.subnet4, r.subnet6})
            if (!subnet.empty()) out.push_back({net::Subnet::parse(subnet), "network " + r.name});
    }
    return out;
}

namespace {

// The user's pool of that family, if there is one.
const IpamPoolRecord* wanted_pool(const NetworkRecord& r, bool v6) {
    const IpamPoolRecord* found = nullptr;
    for (const auto& pool : r.ipam) {
        bool is_v6 = pool.subnet.find(':') != std::string::npos;
        if (is_v6 != v6) continue;
        if (found && is_shared_driver(r.driver))
            throw error(Errc::unsupported, "davit's {} networks have one subnet of each family", r.driver)
                .with_hint(fmt::format("network {} has two {} subnets: make a network for each", r.name,
                                       v6 ? "IPv6" : "IPv4"));
        if (found)
            throw error(Errc::invalid_project, "bridge driver doesn't support multiple subnets")
                .with_hint(fmt::format("network {} has two {} subnets", r.name, v6 ? "IPv6" : "IPv4"));
        found = &pool;
    }
    return found;
}

void complete_family(NetworkRecord& r, bool v6, const std::vector<net::Taken>& taken, const std::string& machine_id,
                     const std::string& salt, bool wants_gateway) {
    std::string& subnet = v6 ? r.subnet6 : r.subnet4;
    std::string& gateway = v6 ? r.gateway6 : r.gateway4;
    const IpamPoolRecord* pool = wanted_pool(r, v6);
    std::optional<net::Subnet> before;
    if (!subnet.empty()) before = net::Subnet::try_parse(subnet);
    net::SubnetConfig config;
    if (pool && !pool->subnet.empty()) {
        config.subnet = net::Subnet::parse(pool->subnet);
        net::require_free(config.subnet, taken);
        if (!pool->ip_range.empty()) config.ip_range = net::Subnet::parse(pool->ip_range);
        if (!pool->gateway.empty()) config.gateway = net::IpAddress::parse(pool->gateway);
        for (const auto& [name, address] : pool->aux_addresses)
            config.aux_addresses[name] = net::IpAddress::parse(address);
    } else if (v6) {
        config.subnet = net::choose_ula(machine_id, r.name + salt, taken, before);
    } else {
        config.subnet = net::choose_subnet(net::default_pools(), r.name + salt, taken, before);
    }
    config.wants_gateway = wants_gateway;
    net::validate(config);
    subnet = config.subnet.to_string();
    auto chosen = net::gateway_of(config);
    gateway = chosen ? chosen->to_string() : "";
}

} // namespace

void complete(NetworkRecord& record, const std::vector<net::Taken>& taken, const std::string& machine_id,
              const std::string& salt) {
    // On one machine an overlay network is a bridge.
    if (!has_driver(record.driver))
        throw error(Errc::unsupported, "network {} wants the driver {}; davit has {}", record.name, record.driver,
                    network_driver_list());
    NetworkOptions options = network_options(record);
    // The router of a shared link is somebody else's: there is none until it is named.
    const bool shared = options.shared.link.is_shared();
    const bool wants_gateway = !options.isolated && !shared;
    bool v6_written = false;
    for (const auto& pool : record.ipam) v6_written = v6_written || pool.subnet.find(':') != std::string::npos;
    if (record.enable_ipv4) complete_family(record, false, taken, machine_id, salt, wants_gateway);
    if (record.enable_ipv6 || v6_written) complete_family(record, true, taken, machine_id, salt, wants_gateway);
    if (shared && !options.shared.parent.empty()) {
        if (record.bridge != options.shared.parent) record.bridge.clear(); // else it is a VLAN that davit made
        return;
    }
    record.bridge = options.bridge_name.empty() ? net::bridge_name(record.project, record.name) : options.bridge_name;
    if (record.bridge.size() > 15)
        throw error(Errc::invalid_project, "the bridge name '{}' of network {} has more than 15 bytes", record.bridge,
                    record.name);
}

} // namespace davit
