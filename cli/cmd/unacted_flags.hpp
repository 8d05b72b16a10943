// Flags of docker compose that davit takes and cannot act on: each is said where it would have mattered.
#pragma once

#include "cli/app.hpp"
#include "davit/project.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// --build where there is something to build, --compatibility, --all-resources. services: those that were named.
void warn_of_unacted_flags(const Globals& globals, const Project& project, bool build,
                           const std::vector<std::string>& services);

} // namespace davit::cli
