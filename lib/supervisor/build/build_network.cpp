#include "supervisor/build/build_network.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "net/bridge.hpp"
#include "net/endpoint.hpp"
#include "net/firewall.hpp"
#include "net/netns.hpp"
#include "net/taken.hpp"
#include "supervisor/network/endpoints_file.hpp"

#include <algorithm>
#include <linux/netlink.h>
#include <set>

namespace davit::supervisor {

namespace {

constexpr char network_name[] = "build."; // no user's network can have it

std::string bridge_of(const Roots& roots) { return net::bridge_name("", network_name, roots.run); }

} // namespace

BuildNetwork::BuildNetwork(Roots roots, std::string build)
    : roots_(std::move(roots)), build_(std::move(build)), host_(NETLINK_ROUTE) {
    state_.project = build_;
}

// The subnet that the others are on, else a new one.
net::Subnet BuildNetwork::choose(const net::HostNetworkState& all) {
    for (const auto& [project, state] : all.projects)
        for (const auto& network : state.networks)
            if (network.name == network_name && !network.subnets.empty()) return network.subnets.front();
    return net::choose_subnet(net::default_pools(), network_name, net::observe_taken(host_, bridge_of(roots_)));
}

void BuildNetwork::join(const net::MachineLock& lock) {
    const net::HostNetworkState all = net::load_state(roots_.run);
    net::SubnetConfig subnet;
    subnet.subnet = choose(all);
    state_.group = net::choose_group(all, build_, roots_.run);
    net::BridgeSpec bridge;
    bridge.name = bridge_of(roots_);
    bridge.owner = network_name;
    bridge.addresses.push_back({*net::gateway_of(subnet), subnet.subnet.prefix()});
    net::create_bridge(host_, bridge);
    net::NetworkState network;
    network.name = network_name;
    network.bridge = bridge.name;
    network.subnets = {subnet.subnet};
    network.icc = false; // steps of different builds have nothing to say to each other
    state_.networks = {network};
    net::NetlinkSocket netfilter(NETLINK_NETFILTER);
    net::commit(lock, netfilter, state_);
    net::open_foreign_forward(netfilter, net::load_state(roots_.run));
    joined_ = true;
}

net::IpAddress BuildNetwork::lease(const std::string& step) {
    net::SubnetConfig config;
    config.subnet = state_.networks.front().subnets.front();
    net::AddressPool pool(config);
    std::set<net::IpAddress> used;
    for (const auto& [other, endpoints] : read_foreign_endpoints(roots_, network_name, build_))
        for (const auto& endpoint : endpoints) used.insert(endpoint.addresses.begin(), endpoint.addresses.end());
    for (const auto& [name, address] : addresses_) used.insert(address);
    for (const auto& address : used) pool.reserve(address, "another step");
    return addresses_[step] = pool.allocate(step);
}

void BuildNetwork::write_leases() {
    std::vector<net::dns::NamedEndpoint> endpoints;
    for (const auto& [step, address] : addresses_) {
        net::dns::NamedEndpoint endpoint;
        endpoint.container_id = endpoint.container_name = step;
        endpoint.network = network_name;
        endpoint.addresses = {address};
        endpoints.push_back(endpoint);
    }
    write_endpoints(roots_, network_name, build_, {endpoints, {}, 0});
}

UniqueFd BuildNetwork::connect(const std::string& step) {
    net::NetnsPlan plan;
    {
        const net::MachineLock lock = net::MachineLock::acquire(roots_.run);
        if (!joined_) join(lock);
        const net::IpAddress address = lease(step);
        write_leases();
        const net::Subnet& subnet = state_.networks.front().subnets.front();
        net::SubnetConfig config;
        config.subnet = subnet;
        net::EndpointSpec endpoint;
        endpoint.bridge = bridge_of(roots_);
        endpoint.host_ifname = net::new_veth_name();
        endpoint.ifname = "eth0";
        endpoint.addresses.push_back({address, subnet.prefix()});
        endpoint.group = state_.group;
        endpoint.icc = false;
        plan.endpoints.push_back(endpoint);
        plan.default_v4 = net::DefaultRoute{*net::gateway_of(config), endpoint.ifname};
    }
    UniqueFd netns = net::create_netns();
    net::attach(host_, netns.get(), plan);
    return netns;
}

net::IpAddress BuildNetwork::gateway() const {
    net::SubnetConfig config;
    config.subnet = state_.networks.at(0).subnets.at(0);
    return *net::gateway_of(config);
}

void BuildNetwork::disconnect(const std::string& step) {
    if (addresses_.erase(step) == 0) return;
    try {
        write_leases();
    } catch (const Error& e) { // others see one address too many until the build ends
        log::warning("giving an address back: {}", e.what());
    }
}

void BuildNetwork::close() {
    if (!joined_) return;
    joined_ = false;
    addresses_.clear();
    ErrorList errors;
    errors.run([&] { write_leases(); });
    errors.run([&] {
        const net::MachineLock lock = net::MachineLock::acquire(roots_.run);
        net::NetlinkSocket netfilter(NETLINK_NETFILTER);
        state_.networks.clear();
        const auto unused = net::commit(lock, netfilter, state_).unused_bridges;
        for (const auto& bridge : unused) net::remove_bridge(host_, bridge);
        lock.remove_if_unused();
    });
    errors.throw_if_any();
}

} // namespace davit::supervisor
