// The host's side of all networks: the table `inet davit`, forwarding sysctls, and their repair.
#pragma once

#include "net/netlink.hpp"
#include "net/nft.hpp"
#include "net/state.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::net {

// --- pure -------------------------------------------------------------------------------------------
// The whole table, replacing any old one in the same transaction; without replace it fails with EEXIST
// where there is one.
nft::Transaction render(const HostNetworkState& state, bool replace = true);
// Only the elements that differ. Both states must agree on close_foreign_forwarding.
nft::Transaction render_change(const HostNetworkState& before, const HostNetworkState& after);
// Inside a container's namespace: 127.0.0.11:53 to the DNS server's ports there. Without replace it fails
// with EEXIST where the table exists.
nft::Transaction render_container(std::uint16_t udp_port, std::uint16_t tcp_port, bool replace);

// --- appliers: in the namespace the sockets were opened in ---------------------------------------------
// Writes the project's file and brings the kernel along: an element transaction (1-3 ms), or the whole
// table when it is missing or of another version (17 ms at 50 containers). The first project turns
// ip_forward on if it was off, the last one to become empty removes the table and restores it.
// Several projects may list one network (an external one).
struct UdpPorts { // count successive ones
    std::uint16_t first = 0;
    std::uint16_t count = 1;
    std::vector<IpAddress> stay = {}; // flows to these containers go on: they still serve the port
    auto operator<=>(const UdpPorts&) const = default;
};
struct Committed {
    // Bridges that no project lists any more: theirs to remove who holds the lock, where the network's own
    // project has not done it.
    std::vector<std::string> unused_bridges;
    // Came, went or moved: for flush_udp_conntrack() once the lock is free.
    std::vector<UdpPorts> udp;
    // Virtual addresses that have lost a target: for flush_flows(), likewise.
    std::map<IpAddress, std::vector<IpAddress>> services;
    HostNetworkState now; // as the files have it
};
Committed commit(const MachineLock& lock, NetlinkSocket& netfilter, const ProjectNetState& project);
// After a foreign `flush ruleset`, a firewall's reload or `sysctl --system`: true if the table or forwarding
// had to be restored. Foreign chains that drop are opened again in any case.
bool heal(const MachineLock& lock, NetlinkSocket& netfilter);
// Is our table there, of this version, with the generation that the files say?
bool table_present(NetlinkSocket& netfilter);
// Redirects DNS inside a container: sockets of that namespace.
void redirect_dns(int netns_fd, std::uint16_t udp_port, std::uint16_t tcp_port);
// Inside a container: address:port (host order) to another port of that address, by a table of that name.
void redirect_tcp(int netns_fd, const char* table, std::uint32_t address, std::uint16_t port, std::uint16_t to);
// Drops UDP conntrack entries whose original destination port is among these, but for `stay`. Walks the kernel's whole
// table once (15 ms with 262,144 buckets), so all ports go in one call; never with the machine's lock.
void flush_udp_conntrack(NetlinkSocket& netfilter, const std::vector<UdpPorts>& ports);

// --- others' firewalls --------------------------------------------------------------------------------
struct ForeignDrop {
    std::string family; // "ip", "ip6", "inet"
    std::string table, chain;
    bool has_docker_user = false;
    bool opened = false; // our tagged accepts are there
    std::string remedy;  // the exact line that an administrator can run
};
// Forward-hook base chains of others with policy drop: an accept of ours does not overrule them.
std::vector<ForeignDrop> foreign_forward_drops(NetlinkSocket& netfilter);
// Inserts accepts for our bridges tagged "davit" where the chain is plain nft/iptables-nft; returns the
// ones that it could not open.
std::vector<ForeignDrop> open_foreign_forward(NetlinkSocket& netfilter, const HostNetworkState& state);
void close_foreign_forward(NetlinkSocket& netfilter);

} // namespace davit::net
