// The build cache, as `builder` and `buildx` have it.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_builder_du(Globals&, const Args&);
int run_builder_prune(Globals&, const Args&);

} // namespace davit::cli
