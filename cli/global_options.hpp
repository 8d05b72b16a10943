// The flags before the verb, and the help text that lists the verbs.
#pragma once

#include "cli/app.hpp"
#include "cli/options.hpp"

namespace davit::cli {

Options global_options(Globals&);

} // namespace davit::cli
