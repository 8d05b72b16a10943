#include "engine/live/attachable.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "net/address.hpp"

#include <algorithm>

namespace davit {

void check_attachable(const NetworkInfo& network, const std::string& network_mode) {
    if (network.driver == "host")
        throw error(Errc::conflict,
                    "cannot connect container to host network - container must be created in host network mode");
    if (network_mode == "host" || SharedWith::parse(network_mode).is_container())
        throw error(Errc::conflict, "container sharing network namespace with another container or host cannot be "
                                    "connected to any other network");
    if (network.driver == "null" || network_mode == "none")
        throw error(Errc::conflict, "container cannot be connected to multiple networks with one of the networks in "
                                    "private (none) mode");
    if (network.leaving) throw error(Errc::not_found, "network {} not found", network.name);
    if (network.scope == "swarm" && !network.attachable)
        throw error(Errc::denied,
                    "Could not attach to network {}: rpc error: code = PermissionDenied desc = network {} "
                    "not manually attachable",
                    network.name, network.name)
            .with_hint("make it attachable: `attachable: true` in the stack's file, or network create --attachable");
}

namespace {

void check_address(const NetworkInfo& network, const std::string& text, bool v6) {
    if (text.empty()) return;
    const auto address = net::IpAddress::try_parse(text);
    if (!address || address->is_v6() != v6)
        throw error(Errc::invalid_project, "invalid {} address: {}", v6 ? "IPv6" : "IPv4", text);
    const bool own = std::any_of(network.pools.begin(), network.pools.end(), [&](const NetworkPool& pool) {
        const auto subnet = net::Subnet::try_parse(pool.subnet);
        return subnet && subnet->contains(*address);
    });
    if (!own)
        throw error(Errc::invalid_project, "invalid endpoint settings:\nno configured subnet contains IP address {}",
                    text)
            .with_hint("network create --subnet says which addresses a network has");
}

} // namespace

void check_endpoint(const NetworkInfo& network, const ConnectOptions& options) {
    const bool builtin = network.name == "bridge";
    if (builtin && (!options.ipv4.empty() || !options.ipv6.empty()))
        throw error(Errc::invalid_project,
                    "invalid endpoint settings:\nuser-specified IP address is supported on user-defined networks only");
    if (builtin && !options.aliases.empty())
        throw error(Errc::invalid_project,
                    "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks");
    check_address(network, options.ipv4, false);
    check_address(network, options.ipv6, true);
    for (const std::string& text : options.link_local_ips)
        if (!net::IpAddress::try_parse(text))
            throw error(Errc::invalid_project, "invalid link-local IP address: {}", text);
    if (!options.mac.empty()) net::MacAddress::parse(options.mac);
}

} // namespace davit
