// The files of `buildx bake`, and the variables that they see.
#pragma once

#include "cli/app.hpp"
#include "davit/bake.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// "cwd://" is where the process stands, whatever the file is.
std::string bake_path(const std::string& path);
// files: as -f has them; none: BUILDX_BAKE_FILE, else those with the usual names. variables: NAME=VALUE.
void read_bake_files(const Globals& globals, const std::vector<std::string>& files,
                     const std::vector<std::string>& variables, BakeOptions& to);

} // namespace davit::cli
