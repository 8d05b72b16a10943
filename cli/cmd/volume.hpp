// What `volume prune` and `system prune` share.
#pragma once

#include "cli/context.hpp"
#include "cli/filters.hpp"

#include <cstdint>

namespace davit::cli {

// Removes those that no container has and that label and label! leave: anonymous ones, or all. Prints docker's list;
// the bytes that became free.
std::uint64_t print_pruned_volumes(Context& context, const Filters& filters, bool all);

} // namespace davit::cli
