// Messages of rtnetlink that bridges, endpoints and IPAM share.
#pragma once

#include "net/address.hpp"
#include "net/netlink.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::net {

Message link_message(int type, int flags, int index = 0);
Message link_up_message(int index, const std::string& name);
// NEWADDR replaces an equal one; IPv6 without duplicate detection: the address is usable at once.
Message address_message(int type, int index, const InterfaceAddress& address);
Message default_route_message(const IpAddress& gateway, int index);
std::vector<InterfaceAddress> list_addresses(NetlinkSocket& socket, int index);
std::vector<std::pair<int, InterfaceAddress>> all_addresses(NetlinkSocket& socket); // with their interfaces

} // namespace davit::net
