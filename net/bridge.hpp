// Bridges: one per compose network, in the host's namespace (that of the socket).
#pragma once

#include "net/address.hpp"
#include "net/netlink.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::net {

// Every bridge that davit names begins with this; firewall rules of others are matched by it.
inline constexpr std::string_view bridge_prefix = "dv-";
inline constexpr std::string_view veth_prefix = "dve";

// What the interfaces of a network say of themselves (IFLA_IFALIAS): "davit project/network"; what is too long for the
// kernel ends with digits of its hash.
std::string link_alias(std::string_view owner);

// "dv-" and 12 hex digits of the hash of both names: the same network has the same bridge again. run_dir: of
// the state root, whose projects have the names of another root's; the usual root adds nothing.
std::string bridge_name(std::string_view project, std::string_view network, std::string_view run_dir = {});

struct BridgeSpec {
    std::string name;                        // at most 15 bytes
    std::string owner;                       // "project/network": stands in the link's alias for doctor
    std::vector<InterfaceAddress> addresses; // the gateways; none: containers cannot reach the host
    unsigned mtu = 0;                        // 0: 1500
    bool ipv6 = false;                       // off: disable_ipv6 on the bridge
    std::uint32_t group = 0;                 // link group of the project (state.hpp)
};

// Creates the bridge or brings an existing one of ours to this shape. Sets route_localnet=1 (published
// ports on 127.0.0.1; the host table drops what containers send there), accept_ra=0, accept_dad=0.
// A link of that name that is not davit's bridge, or another network's: Errc::conflict. 0.3 ms.
void create_bridge(NetlinkSocket& host, const BridgeSpec& spec);

// Missing is fine. One RCU wait, 30-50 ms: call it in a helper, or delete_group once for all.
void remove_bridge(NetlinkSocket& host, const std::string& name);

// Deletes every link of the group (veths and bridges of a project) with one RCU wait of 30-50 ms.
// group 0 is refused. No link in the group is fine.
void delete_group(NetlinkSocket& host, std::uint32_t group);

struct LinkInfo {
    int index = 0;
    std::string name;
    std::string kind;  // "bridge", "veth", "" …
    std::string alias; // "davit project/network" on our bridges
    std::uint32_t group = 0;
    int master = 0; // ifindex of the bridge, 0: none
    bool up = false;
    unsigned mtu = 0;
    bool operator==(const LinkInfo&) const = default;
};
std::vector<LinkInfo> list_links(NetlinkSocket& host);
std::optional<LinkInfo> find_link(NetlinkSocket& host, const std::string& name);
// By name prefix, alias or group flag: whatever davit made.
std::vector<LinkInfo> list_davit_links(NetlinkSocket& host);

} // namespace davit::net
