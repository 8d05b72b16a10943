// Git repositories over the network: a compose file in one becomes a local one, and whole trees for builds.
#pragma once

#include "remote/git_ref.hpp"

#include <string>
#include <vector>

namespace davit::remote {

// Blocks on the network. shown: the reference as the user wrote it.
std::string fetch_from_git(const GitRef& ref, const std::string& shown, const std::string& cache);

// The commit that the reference means now. Blocks on the network.
std::string resolve_git(const GitRef& ref);
// Its files, with .git, in a directory that does not exist yet. commit: what resolve_git() told. submodules: those too;
// returns their paths.
std::vector<std::string> checkout_git(const GitRef& ref, const std::string& commit, const std::string& directory,
                                      bool submodules);

} // namespace davit::remote
