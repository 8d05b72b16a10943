// `buildx bake --list`: what a bake file has.
#pragma once

#include "davit/bake.hpp"

#include <string>

namespace davit::cli {

// wanted: "targets", "variables", or "type=targets,format=json". Throws usage for what is neither.
std::string bake_list(const std::string& wanted, const BakeOptions& options);

} // namespace davit::cli
