// Ports as `-p` of services and stack files write them.
#pragma once

#include "compose/short_forms.hpp"
#include "davit/service_spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::stack {

struct SwarmPorts {
    std::vector<swarm::PortConfig> ports;
    std::string address; // was given, and means nothing: ports are published on all
    std::string error;
};
// [HOST:]CONTAINER[/PROTOCOL], ranges too: a range of host ports for one container port is a port each.
SwarmPorts parse_swarm_ports(std::string_view text);
// What docker says to a -p that is none: the first part of it that is wrong.
std::string why_no_port(const std::string& text);

} // namespace davit::stack
