#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_bake(Globals&, const Args&);

} // namespace davit::cli
