// Which subnets a network gets. Pure.
#pragma once

#include "net/ipam.hpp"
#include "project/record.hpp"

#include <string>
#include <vector>

namespace davit {

// Chooses the subnets that the record leaves open and the bridge's name (of macvlan and ipvlan without a parent: that
// of its dummy; with one: none, or the name that is there already, of a VLAN that davit made); with what the user
// wrote, checks it. taken: routes, addresses and the subnets of other networks. salt: another place in the pools than
// the usual. Throws conflict, invalid_project, unsupported.
void complete(NetworkRecord& record, const std::vector<net::Taken>& taken, const std::string& machine_id,
              const std::string& salt = {});
// Subnets of networks that have no kernel link at the moment.
std::vector<net::Taken> taken_by(const std::vector<NetworkRecord>& records, const std::string& except);

} // namespace davit
