// A one-off container whose output, input and signals are this process's.
#pragma once

#include "cli/context.hpp"

namespace davit::cli {

// Returns the container's exit code once it has ended, and with RunOptions::remove is gone. Throws what kept it from
// starting.
int run_in_foreground(Context& context, const Project& project, const RunOptions& run);

} // namespace davit::cli
