// The patterns of ignore files and of --exclude, as what walks over files asks them.
#pragma once

#include "build/files/source.hpp"

#include <memory>
#include <string>
#include <vector>

namespace davit::build {

// Throws Error for a malformed pattern.
std::unique_ptr<PathFilter> make_filter(const std::vector<std::string>& patterns);

} // namespace davit::build
