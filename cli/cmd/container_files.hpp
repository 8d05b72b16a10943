// What cp, export and commit share: the containers of a service.
#pragma once

#include "cli/context.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// The containers of a service whether they run or not; index 0: all.
// Throws Error(not_found) `no container found for service "x"`.
std::vector<ContainerInfo> containers_for_files(Context& context, const std::string& service, int index,
                                                bool oneoffs = false);

} // namespace davit::cli
