// The question before what cannot be taken back.
#pragma once

#include <string>

namespace davit::cli {

// "WARNING! …\nAre you sure you want to continue? [y/N] " on standard output, and whether y or yes came.
bool confirmed(const std::string& warning);

} // namespace davit::cli
