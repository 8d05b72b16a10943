// Endpoints: the veth pair that joins a container's namespace to a bridge, or the link that it shares with the host,
// with addresses and routes.
#pragma once

#include "net/address.hpp"
#include "net/netlink.hpp"
#include "net/shared_link.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::net {

struct EndpointSpec {
    std::string bridge;                      // of a link that is shared: its parent
    std::string host_ifname;                 // from new_veth_name(); never reused soon (removal lags)
    std::string ifname;                      // inside, e.g. eth0
    std::optional<MacAddress> mac;           // none: MacAddress::of(first address); not of an ipvlan
    std::vector<InterfaceAddress> addresses; // IPv4, IPv6, link-local ones
    unsigned mtu = 0;                        // 0: the kernel's
    std::uint32_t group = 0;                 // the project's link group
    bool ipv6 = false;                       // off: disable_ipv6 on both ends
    bool icc = true;                         // off: neighbours on the bridge cannot reach it
    // Sysctls of the interface, IFNAME stands for its name: net.ipv4.conf.IFNAME.log_martians=1
    std::vector<std::pair<std::string, std::string>> sysctls;
    std::string network = {}; // what messages call the bridge's network; empty: the bridge itself
    SharedLink link = {};     // macvlan and ipvlan have no end on the host
};

struct DefaultRoute {
    IpAddress gateway; // unspecified (0.0.0.0, ::): whatever is on the link
    std::string ifname;
};

struct NetnsPlan {
    std::vector<EndpointSpec> endpoints; // in the order in which they are connected
    std::optional<DefaultRoute> default_v4;
    std::optional<DefaultRoute> default_v6;
};

// "dve" and 12 random hex digits.
std::string new_veth_name();

// Connects a namespace (from create_netns(), lo is up): 0.6 ms an endpoint. On failure what was made
// is removed with the namespace; the caller drops it.
void attach(NetlinkSocket& host, int netns_fd, const NetnsPlan& plan);
// Takes one endpoint away from a living container: one RCU wait, 16-50 ms, in a helper. Missing is fine.
void detach(NetlinkSocket& host, const std::string& host_ifname);

// One more interface in a namespace that lives, without routes. What a crash left there under its name goes first.
void plug(NetlinkSocket& host, int netns_fd, const EndpointSpec& endpoint);
// Takes an interface out of it, with its other end: one RCU wait, in a helper. Missing is fine.
void unplug(int netns_fd, const std::string& ifname);
// The default routes of the namespace, over those that are there; absent: whatever is there stays.
void set_default_routes(int netns_fd, const std::optional<DefaultRoute>& v4, const std::optional<DefaultRoute>& v6);

// --- pure choices among the networks of a container -------------------------------------------------

struct NetworkChoice {
    std::string network; // the network's real name
    int gw_priority = 0;
    bool internal = false;
    std::optional<IpAddress> gateway_v4;
    std::optional<IpAddress> gateway_v6;
};
// Indices in gateway order: gw_priority falling, non-internal first, dual stack first, then by name.
// The same order decides whose names win in DNS.
std::vector<std::size_t> gateway_order(const std::vector<NetworkChoice>& networks);

struct GatewayChoice {
    std::optional<std::size_t> v4, v6; // index of the network that carries the default route
};
GatewayChoice choose_gateways(const std::vector<NetworkChoice>& networks);

// Requested names (empty: lowest free "<prefix>N"), in connect order. Throws conflict on a double name.
std::vector<std::string> assign_interface_names(const std::vector<std::string>& requested,
                                                std::string_view prefix = "eth");

} // namespace davit::net
