// The subnets that this machine has in use already.
#pragma once

#include "net/ipam.hpp"
#include "net/netlink.hpp"

#include <string>
#include <vector>

namespace davit::net {

// All routes of all tables but those of prefix 0 and 1 (default routes, OpenVPN's halves), all
// interface addresses, the resolvers of /etc/resolv.conf.
// except_link: routes and addresses of this interface do not count (the network's own bridge).
std::vector<Taken> observe_taken(NetlinkSocket& host, const std::string& except_link = {});

} // namespace davit::net
