#include "supervisor/network/network.hpp"

#include "base/error.hpp"

namespace davit::supervisor {

namespace {

// The pool of one family as the user wrote it, with the subnet in force.
std::optional<net::AddressPool> make_pool(const NetworkRecord& r, bool v6, const NetworkOptions& options) {
    const std::string& subnet = v6 ? r.subnet6 : r.subnet4;
    const std::string& gateway = v6 ? r.gateway6 : r.gateway4;
    if (subnet.empty()) return std::nullopt;
    net::SubnetConfig config;
    config.subnet = net::Subnet::parse(subnet);
    if (!gateway.empty()) config.gateway = net::IpAddress::parse(gateway);
    config.wants_gateway = !options.isolated && !options.shared.link.is_shared();
    for (const auto& pool : r.ipam) {
        if (pool.subnet.empty() || net::Subnet::parse(pool.subnet) != config.subnet) continue;
        if (!pool.ip_range.empty()) config.ip_range = net::Subnet::parse(pool.ip_range);
        for (const auto& [name, address] : pool.aux_addresses)
            config.aux_addresses[name] = net::IpAddress::parse(address);
    }
    return net::AddressPool(config);
}

} // namespace

Network::Network(NetworkRecord record) : record_(std::move(record)), options_(network_options(record_)) {
    v4_ = make_pool(record_, false, options_);
    v6_ = make_pool(record_, true, options_);
}

std::optional<net::IpAddress> Network::gateway(bool v6) const {
    // Everything is on the link of a routed ipvlan.
    if (options_.shared.routed && (v6 ? v6_ : v4_)) return v6 ? net::IpAddress::parse("::") : net::IpAddress::v4(0);
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

net::ParentSpec Network::parent(std::uint32_t group) const {
    net::ParentSpec spec;
    spec.name = parent_of(record_);
    spec.owner = record_.project + "/" + record_.name;
    spec.dummy = options_.shared.parent.empty();
    spec.mtu = options_.mtu;
    if (spec.dummy) spec.group = group; // a VLAN may serve other projects, and does not go with this one's links
    return spec;
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
    s.shared = is_shared();
    s.internal = internal();
    s.icc = options_.icc;
    s.masquerade = options_.masquerade;
    return s;
}

} // namespace davit::supervisor
