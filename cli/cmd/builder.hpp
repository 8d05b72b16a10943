// The build cache, as `builder` and `buildx` have it.
#pragma once

#include "cli/app.hpp"
#include "davit/build_cache.hpp"

namespace davit::cli {

// In buildx's words: "regular", "exec.cachemount", "source.http".
const char* type_of(const BuildCacheEntry& entry);

int run_builder_du(Globals&, const Args&);
int run_builder_prune(Globals&, const Args&);

} // namespace davit::cli
