// Compose files as input of `buildx bake`.
#pragma once

#include "cli/app.hpp"
#include "davit/bake.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// input: the text of "-". Their services with `build:` become targets, with what x-bake says beside it.
void read_bake_compose(Globals globals, const std::vector<std::string>& files, const std::string& input,
                       BakeOptions& to);

} // namespace davit::cli
