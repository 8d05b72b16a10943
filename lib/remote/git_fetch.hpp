// A compose file in a git repository becomes a local one.
#pragma once

#include "remote/git_ref.hpp"

#include <string>

namespace davit::remote {

// Blocks on the network. shown: the reference as the user wrote it.
std::string fetch_from_git(const GitRef& ref, const std::string& shown, const std::string& cache);

} // namespace davit::remote
