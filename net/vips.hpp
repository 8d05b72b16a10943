// The virtual addresses that one network namespace knows: the table `inet davit-services` in it. Whoever connects to
// such an address, from a process there or from a namespace behind it, gets one of its targets; the source stays.
// An address without targets refuses at once. What is connected stays connected when a target goes.
#pragma once

#include "net/address.hpp"
#include "net/firewall.hpp"
#include "net/netlink.hpp"
#include "net/nft.hpp"
#include "net/state.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::net {

// By address: its targets in their order, of its family.
using VipTable = std::map<IpAddress, std::vector<IpAddress>>;

VipTable vips_of(const ServiceState& service);
// One that was a target is none any more.
bool lost_any(const std::vector<IpAddress>& before, const std::vector<IpAddress>& after);

inline constexpr const char* vip_table_name = "davit-services";
// Changes with chains, rules and sets: the table of an older davit is replaced.
inline constexpr const char* vip_table_version = "davit services 1";

// --- pure -------------------------------------------------------------------------------------------
// The whole table; without replace it fails with EEXIST where there is one.
nft::Transaction render_vips(const VipTable& table, bool replace);
// What differs, one transaction.
nft::Transaction render_vip_change(const VipTable& before, const VipTable& after);

// --- in the namespace that the socket was opened in ------------------------------------------------------
void write_vips(NetlinkSocket& netfilter, const VipTable& table);
void remove_vips(NetlinkSocket& netfilter); // missing is fine

// --- connection tracking -------------------------------------------------------------------------------
// Flows that would stay with a target that does not serve them any more.
struct StaleFlows {
    std::vector<UdpPorts> ports; // of the host: UDP to them
    VipTable services;           // UDP to these addresses that goes to none of their targets
    std::set<IpAddress> gone;    // every protocol: translated from or to addresses that others may get next
    bool empty() const { return ports.empty() && services.empty() && gone.empty(); }
};
// Ends them. Walks the kernel's whole table once (15 ms with 262,144 buckets), whatever the namespace: never in the
// loop.
void flush_flows(NetlinkSocket& netfilter, const StaleFlows& stale);

} // namespace davit::net
