// Where a process's cgroups stand.
#pragma once

#include "davit/stats.hpp"

#include <string>
#include <sys/types.h>

namespace davit {

// Path of a process's cgroup for one v1 controller, or of the v2 hierarchy (controller ""): as mounted
// on this machine; empty when there is none.
std::string cgroup_directory(pid_t pid, const std::string& controller);

} // namespace davit
