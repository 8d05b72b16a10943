// What `docker update` makes of a container: Docker's rules of what may be changed and what fits together. Pure.
#pragma once

#include "davit/containers.hpp"
#include "project/record.hpp"
#include "runtime/spec.hpp"

#include <string>

namespace davit {

struct UpdatedLimits {
    runtime::Resources all; // the container's limits then
    runtime::Resources
        changed; // what has to be written where it runs: whole groups, since memory and swap hang together
};
// cpus: of the machine. Throws usage (a value), conflict (with what the container has).
UpdatedLimits updated_limits(const runtime::Resources& now, const ContainerUpdate& update, int cpus);

// "no", "always", "unless-stopped", "on-failure" or "on-failure:3", as the record has it. Throws invalid_project;
// conflict for a container that goes when it has ended.
std::string updated_restart(const ContainerRecord& record, const std::string& policy);

} // namespace davit
