#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_container_run(Globals&, const Args&);

} // namespace davit::cli
