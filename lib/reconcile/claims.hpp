// What one container has and another one can only have after it: host ports, addresses.
#pragma once

#include "davit/project.hpp"
#include "project/record.hpp"

namespace davit {

// Whether a container of this service may need a host port or a fixed address that the other one holds
// while it runs. What the kernel gives out (ephemeral ports, dynamic addresses) is in nobody's way.
bool competes(const ContainerRecord& holder, const Service& service, const Project& project);

} // namespace davit
