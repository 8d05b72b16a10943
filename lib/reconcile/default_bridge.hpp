// `network_mode: bridge`: a network without names that all such services of a project share. Docker has
// one for the whole machine; here it lives and ends with the project, and projects stay apart.
#pragma once

#include "davit/project.hpp"

#include <string>
#include <vector>

namespace davit {

// Its key among the project's networks; none of a compose file can be like it.
inline constexpr const char* default_bridge_key = "(bridge)";

// Adds the network when a service uses it.
void add_default_bridge(Project& project);
// Keys of the networks that a service's containers are attached to, in no order that matters.
std::vector<std::string> network_keys(const Service& service);

} // namespace davit
