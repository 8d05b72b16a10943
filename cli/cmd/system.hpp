#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_system_df(Globals&, const Args&);
int run_system_prune(Globals&, const Args&);

} // namespace davit::cli
