// What the driver and the driver options of a network say. Pure.
#pragma once

#include "network/drivers.hpp"
#include "project/record.hpp"

#include <string>

namespace davit {

// com.docker.network.* driver options.
struct NetworkOptions {
    std::string bridge_name;              // bridge.name; empty: derived
    unsigned mtu = 0;                     // driver.mtu
    bool icc = true;                      // bridge.enable_icc
    bool masquerade = true;               // bridge.enable_ip_masquerade
    bool default_bridge = false;          // bridge.default_bridge: addresses only, no embedded DNS
    bool isolated = false;                // bridge.gateway_mode_ipv4=isolated: no address on the bridge
    std::string interface_prefix = "eth"; // container_iface_prefix
    SharedNetwork shared;                 // macvlan, ipvlan
};
// Throws invalid_project for a value that is none.
NetworkOptions network_options(const NetworkRecord& record);
// Of a network that is to be made: the kernel's limits too. Throws invalid_project.
void check_network_options(const NetworkRecord& record);

} // namespace davit
