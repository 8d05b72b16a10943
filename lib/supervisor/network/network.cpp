#include "supervisor/network/network.hpp"

#include "base/error.hpp"

#include <charconv>

namespace davit::supervisor {

namespace {

bool read_bool(const std::string& key, const std::string& value) {
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    throw error(Errc::invalid_project, "network option {} is '{}'; it must be true or false", key, value);
}

unsigned read_number(const std::string& key, const std::string& value) {
    unsigned n = 0;
    auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (ec != std::errc() || end != value.data() + value.size())
        throw error(Errc::invalid_project, "network option {} is '{}'; it must be a number", key, value);
    return n;
}

// The pool of one family as the user wrote it, with the subnet in force.
std::optional<net::AddressPool> make_pool(const NetworkRecord& r, bool v6, const NetworkOptions& options) {
    const std::string& subnet = v6 ? r.subnet6 : r.subnet4;
    const std::string& gateway = v6 ? r.gateway6 : r.gateway4;
    if (subnet.empty()) return std::nullopt;
    net::SubnetConfig config;
    config.subnet = net::Subnet::parse(subnet);
    if (!gateway.empty()) config.gateway = net::IpAddress::parse(gateway);
    config.wants_gateway = !options.isolated;
    for (const auto& pool : r.ipam) {
        if (pool.subnet.empty() || net::Subnet::parse(pool.subnet) != config.subnet) continue;
        if (!pool.ip_range.empty()) config.ip_range = net::Subnet::parse(pool.ip_range);
        for (const auto& [name, address] : pool.aux_addresses)
            config.aux_addresses[name] = net::IpAddress::parse(address);
    }
    return net::AddressPool(config);
}

} // namespace

NetworkOptions network_options(const NetworkRecord& record) {
    NetworkOptions o;
    const std::string prefix = "com.docker.network.";
    for (const auto& [key, value] : record.driver_opts) {
        if (key.rfind(prefix, 0) != 0) continue;
        std::string name = key.substr(prefix.size());
        if (name == "bridge.name") o.bridge_name = value;
        else if (name == "driver.mtu") o.mtu = read_number(key, value);
        else if (name == "bridge.enable_icc") o.icc = read_bool(key, value);
        else if (name == "bridge.default_bridge") o.default_bridge = read_bool(key, value);
        else if (name == "bridge.enable_ip_masquerade") o.masquerade = read_bool(key, value);
        else if (name == "bridge.gateway_mode_ipv4") {
            o.isolated = value == "isolated";
            if (value == "routed") o.masquerade = false;
        } else if (name == "container_iface_prefix") o.interface_prefix = value;
    }
    return o;
}

Network::Network(NetworkRecord record) : record_(std::move(record)), options_(network_options(record_)) {
    v4_ = make_pool(record_, false, options_);
    v6_ = make_pool(record_, true, options_);
}

std::optional<net::IpAddress> Network::gateway(bool v6) const {
    const std::string& text = v6 ? record_.gateway6 : record_.gateway4;
    if (text.empty() || options_.isolated) return std::nullopt;
    return net::IpAddress::parse(text);
}

net::AddressPool* Network::pool(bool v6) {
    auto& pool = v6 ? v6_ : v4_;
    return pool ? &*pool : nullptr;
}

int Network::prefix_of(const net::IpAddress& address) const {
    const auto& pool = address.is_v6() ? v6_ : v4_;
    if (pool && pool->contains(address)) return pool->config().subnet.prefix();
    return address.bits(); // link_local_ips: an address of its own
}

net::BridgeSpec Network::bridge(std::uint32_t group) const {
    net::BridgeSpec spec;
    spec.name = record_.bridge;
    spec.owner = record_.project + "/" + record_.name;
    for (bool v6 : {false, true})
        if (auto gw = gateway(v6)) spec.addresses.push_back({*gw, prefix_of(*gw)});
    spec.mtu = options_.mtu;
    spec.ipv6 = v6_.has_value();
    spec.group = group;
    return spec;
}

net::NetworkState Network::state() const {
    net::NetworkState s;
    s.name = record_.name;
    s.bridge = record_.bridge;
    if (v4_) s.subnets.push_back(v4_->config().subnet);
    if (v6_) s.subnets.push_back(v6_->config().subnet);
    s.internal = record_.internal;
    s.icc = options_.icc;
    s.masquerade = options_.masquerade;
    return s;
}

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
        if (found)
            throw error(Errc::unsupported, "network {} has two {} subnets; one of a family is supported", r.name,
                        v6 ? "IPv6" : "IPv4");
        found = &pool;
    }
    return found;
}

void complete_family(NetworkRecord& r, bool v6, const std::vector<net::Taken>& taken, const std::string& machine_id,
                     const std::string& salt, bool isolated) {
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
    config.wants_gateway = !isolated;
    net::validate(config);
    subnet = config.subnet.to_string();
    auto chosen = net::gateway_of(config);
    gateway = chosen ? chosen->to_string() : "";
}

} // namespace

void complete(NetworkRecord& record, const std::vector<net::Taken>& taken, const std::string& machine_id,
              const std::string& salt) {
    if (record.driver != "bridge" && !record.driver.empty())
        throw error(Errc::unsupported, "network {} wants the driver {}; davit makes bridge networks", record.name,
                    record.driver);
    NetworkOptions options = network_options(record);
    bool v6_written = false;
    for (const auto& pool : record.ipam) v6_written = v6_written || pool.subnet.find(':') != std::string::npos;
    if (record.enable_ipv4) complete_family(record, false, taken, machine_id, salt, options.isolated);
    if (record.enable_ipv6 || v6_written) complete_family(record, true, taken, machine_id, salt, options.isolated);
    record.bridge = options.bridge_name.empty() ? net::bridge_name(record.project, record.name) : options.bridge_name;
    if (record.bridge.size() > 15)
        throw error(Errc::invalid_project, "the bridge name '{}' of network {} has more than 15 bytes", record.bridge,
                    record.name);
}

} // namespace davit::supervisor
