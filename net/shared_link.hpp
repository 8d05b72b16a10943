// Links that share one of the host's: macvlan and ipvlan on a parent, which may be one that davit makes.
#pragma once

#include "net/netlink.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace davit::net {

enum class LinkKind : std::uint8_t { veth, macvlan, ipvlan };

struct SharedLink {
    LinkKind kind = LinkKind::veth;
    std::uint16_t mode = 0, flags = 0; // IFLA_MACVLAN_MODE; IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS
    bool is_shared() const { return kind != LinkKind::veth; }
    bool has_own_mac() const { return kind != LinkKind::ipvlan; }
};

// "eth0.50" is the VLAN 50 of eth0; 1 to 4094.
std::optional<std::pair<std::string, std::uint16_t>> vlan_of(const std::string& name);

struct ParentSpec {
    std::string name;        // at most 15 bytes
    std::string owner;       // "project/network": stands in the alias of a link that is made
    bool dummy = false;      // made when missing, and leads nowhere; else a VLAN of a link that is there
    unsigned mtu = 0;        // 0: the kernel's
    std::uint32_t group = 0; // link group of the project; 0: it does not go with it
};
// Whether the parent can be had: it is there, or can be made. Errors: not_found, with Docker's words.
void check_parent(NetlinkSocket& host, const ParentSpec& spec);
// Makes it when it is missing (true). Errors: as check_parent(); unsupported (a kernel without VLANs, without dummies).
bool provide_parent(NetlinkSocket& host, const ParentSpec& spec);

// Born in the namespace under its final name.
Message shared_link_message(const SharedLink& link, int parent_index, const std::string& ifname, int netns_fd);

} // namespace davit::net
