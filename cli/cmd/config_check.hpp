// `davit config --check`: what an editor shows beside a compose file.
#pragma once

#include "davit/load.hpp"

#include <functional>

namespace davit::cli {

// Loads and prints what is wrong to stdout, one line each (json: one object each; quiet: nothing),
// warnings too. Returns the exit code: 1 if there is a mistake.
int check_files(const std::function<LoadOptions()>& options, bool json, bool quiet);

} // namespace davit::cli
