#include "base/error.hpp"
#include "base/network_drivers.hpp"
#include "cli/cmd/network.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/networks.hpp"
#include "davit/services.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cstdio>

namespace davit::cli {

namespace {

// Several in one value have commas between them.
std::vector<std::string> split(const std::vector<std::string>& values) {
    std::vector<std::string> out;
    for (const std::string& value : values)
        for (std::size_t at = 0; at <= value.size();) {
            const std::size_t end = std::min(value.find(',', at), value.size());
            if (end > at) out.push_back(value.substr(at, end - at));
            at = end + 1;
        }
    return out;
}

struct CreateNetworkFlags {
    NetworkSpec spec;
    std::vector<std::string> names, subnets, gateways, ranges, aux, labels, opts, ipam_opts;
    std::string ipam_driver = "default", scope;
    bool ingress = false;
    std::optional<bool> ipv4;

    // Addresses or blocks of them, with commas between.
    static void take_checked(std::vector<std::string>& to, const std::string& text, bool block) {
        for (const std::string& one : split({text})) {
            const bool right = block ? is_subnet(one) : is_address(one);
            if (!right)
                throw error(Errc::usage, "invalid string being converted to {}: {}", block ? "CIDR" : "IP address",
                            one);
            to.push_back(one);
        }
    }

    void add_to(Options& o) {
        o.flag("attachable", spec.attachable, "Enable manual container attachment")
            .list("aux-address", aux, "Auxiliary IPv4 or IPv6 addresses used by Network driver", "map")
            .value("config-from", spec.config_from, "Configuration network to take subnets and options from")
            .flag("config-only", spec.config_only, "Keep subnets and options for other networks, and be none itself")
            .value("d,driver", spec.driver,
                   "Driver to manage the Network: " + network_driver_list() + " (default \"bridge\")")
            .each(
                "gateway", "ipSlice", [this](const std::string& text) { take_checked(gateways, text, false); },
                "IPv4 or IPv6 Gateway for the master subnet")
            .flag("ingress", ingress, "Create swarm routing-mesh network (not in davit)")
            .hidden()
            .flag("internal", spec.internal, "Restrict external access to the network")
            .each(
                "ip-range", "ipNetSlice", [this](const std::string& text) { take_checked(ranges, text, true); },
                "Allocate container ip from a sub-range")
            .value("ipam-driver", ipam_driver, "IP Address Management Driver (default \"default\")")
            .list("ipam-opt", ipam_opts, "Set IPAM driver specific options: the default one has none", "map")
            .hidden()
            .flag("ipv4", ipv4, "Enable or disable IPv4 address assignment (default true)")
            .flag("ipv6", spec.enable_ipv6, "Enable or disable IPv6 address assignment")
            .labels("label", labels, "Set metadata on a network")
            .list("o,opt", opts, "Set driver specific options", "map")
            .value("scope", scope, "Control the network's scope: local or swarm")
            .list("subnet", subnets, "Subnet in CIDR format that represents a network segment", "strings")
            .arguments(names, 1, 1);
    }

    void check() const {
        if (ingress)
            throw error(Errc::unsupported, "davit's routing mesh needs no network")
                .with_hint("published ports of services are the machine's own");
        if (ipam_driver != "default") throw error(Errc::not_found, "plugin \"{}\" not found", ipam_driver);
        if (!ipam_opts.empty())
            throw error(Errc::unsupported, "davit has only the default driver of addresses, which has no options");
    }
};

std::pair<std::string, std::string> pair_of(const std::string& text) {
    const std::size_t equals = text.find('=');
    return {text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
}

bool overlap(const std::string& a, const std::string& b) {
    const bool comparable =
        is_subnet(a) && is_subnet(b) && (a.find(':') == std::string::npos) == (b.find(':') == std::string::npos);
    return comparable && (is_within(a.substr(0, a.find('/')), b) || is_within(b.substr(0, b.find('/')), a));
}

// What belongs to a subnet is found by its family: there is one of each at most.
std::vector<IpamPool> pools_of(const CreateNetworkFlags& f) {
    std::vector<IpamPool> pools;
    for (const std::string& subnet : split(f.subnets)) {
        if (subnet.find('/') == std::string::npos)
            throw error(Errc::usage, "netip.ParsePrefix(\"{}\"): no '/'", subnet);
        if (!is_subnet(subnet) && is_address(subnet.substr(0, subnet.find('/'))))
            throw error(Errc::usage, "netip.ParsePrefix(\"{}\"): prefix length out of range", subnet);
        for (const IpamPool& other : pools)
            if (overlap(subnet, other.subnet))
                throw error(Errc::usage, "multiple overlapping subnet configuration is not supported");
        pools.emplace_back().subnet = subnet;
    }
    if (pools.empty() && (!f.gateways.empty() || !f.ranges.empty()))
        throw error(Errc::usage, "every ip-range or gateway must have a corresponding subnet");
    const auto pool_for = [&](const std::string& address, const char* what) -> IpamPool& {
        const bool v6 = address.find(':') != std::string::npos;
        for (IpamPool& pool : pools)
            if ((pool.subnet.find(':') != std::string::npos) == v6 && is_within(address, pool.subnet)) return pool;
        throw error(Errc::usage, "no matching subnet for {} {}", what, address);
    };
    for (const std::string& gateway : split(f.gateways)) {
        IpamPool& pool = pool_for(gateway, "gateway");
        if (!pool.gateway.empty()) throw error(Errc::usage, "cannot configure multiple gateways on the same subnet");
        pool.gateway = gateway;
    }
    for (const std::string& range : split(f.ranges)) {
        IpamPool& pool = pool_for(range, "range");
        if (!pool.ip_range.empty()) throw error(Errc::usage, "cannot configure multiple ranges on the same subnet");
        pool.ip_range = range;
    }
    for (const std::string& text : f.aux) {
        const auto [name, address] = pair_of(text);
        pool_for(address, "aux-address").aux_addresses.emplace(name, address);
    }
    return pools;
}

std::string create_of_swarm(Context& context, const NetworkSpec& spec) {
    // By this word alone a machine does not become a swarm, as with docker.
    if (!swarm::node(context.engine()))
        throw error(
            Errc::unavailable,
            "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this "
            "node to swarm and try again.")
            .with_hint("davit swarm init");
    SwarmNetwork network;
    network.name = spec.name;
    network.driver = spec.driver;
    network.driver_opts = spec.driver_opts;
    network.labels = spec.labels;
    network.internal = spec.internal;
    network.attachable = spec.attachable;
    network.enable_ipv6 = spec.enable_ipv6;
    for (const IpamPool& pool : spec.pools)
        network.pools.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
    return Swarm(context.engine_options()).create_network(network);
}

} // namespace

int run_network_create(Globals& globals, const Args& args) {
    CreateNetworkFlags f;
    Options options(globals, "network create [OPTIONS] NETWORK", "Create a network");
    f.add_to(options);
    if (!options.parse(args)) return 0;
    f.check();
    NetworkSpec& spec = f.spec;
    spec.name = f.names.front();
    spec.pools = pools_of(f);
    spec.enable_ipv4 = f.ipv4.value_or(true);
    for (const std::string& text : f.labels) spec.labels.insert(pair_of(text));
    for (const std::string& text : f.opts) spec.driver_opts.insert(pair_of(text));
    if (f.scope == "swarm" && spec.driver == "bridge") spec.driver = "overlay";
    if (f.scope == "local" && spec.driver == "overlay")
        throw error(Errc::invalid_project, "cannot downgrade network scope for overlay networks");
    Context context(globals);
    context.mute();
    if (context.dry_run()) return 0;
    const std::string id =
        spec.driver == "overlay" ? create_of_swarm(context, spec) : create_network(context.engine(), spec).id;
    std::printf("%s\n", id.c_str());
    return 0;
}

} // namespace davit::cli
