// Flags of docker compose that davit takes and cannot act on: each is said where it would have mattered.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

// --compatibility, --all-resources.
void warn_of_unacted_flags(const Globals& globals);

} // namespace davit::cli
