// Drivers of networks whose containers share a link of the host: macvlan and ipvlan. Pure.
#pragma once

#include "net/shared_link.hpp"
#include "project/record.hpp"

#include <string>
#include <vector>

namespace davit {

struct SharedNetwork {
    net::SharedLink link;   // kind veth: the network has a bridge
    std::string parent;     // driver option parent; empty: a dummy of its own, which leads nowhere
    bool routed = false;    // ipvlan l3, l3s: no neighbours, the way out is the link itself
    bool exclusive = false; // macvlan passthru
};
// Whether davit has the driver at all: "" and overlay are bridges on one machine.
bool has_driver(const std::string& driver);
bool is_shared_driver(const std::string& driver);
// Throws invalid_project for an option that cannot be, in Docker's words.
SharedNetwork shared_network(const NetworkRecord& record);
// Errors: conflict (another one has the parent for itself, or this one wants it so).
void check_parent_use(const NetworkRecord& record, const std::vector<NetworkRecord>& others);
// The link below the network's: the one that is named, or its own.
std::string parent_of(const NetworkRecord& record);
// The parent that goes with the last network on it: a VLAN that is missing, or that davit made for another one. Empty:
// somebody else's.
std::string own_parent(const NetworkRecord& record, const std::vector<NetworkRecord>& others, bool is_there);
// Whether one of these goes with that link, too.
bool is_own_of(const std::vector<NetworkRecord>& networks, const std::string& link);

} // namespace davit
