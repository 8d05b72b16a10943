// The values of `run`'s options that have a grammar of their own.
#pragma once

#include "davit/project.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

using RunEnvironment = std::vector<std::pair<std::string, std::optional<std::string>>>;

// --env-from-file files, then -e entries: "K=V", or "K" for the value of this process or the project.
RunEnvironment run_environment(const std::vector<std::string>& files, const std::vector<std::string>& entries,
                               const Project& project);

// -p as in `ports:`; a range gives several.
std::vector<Port> parse_publish(const std::string& text);

// -v as in `volumes:`; relative sources are relative to the current directory, names are volumes of the project.
Mount parse_volume(const std::string& text);

} // namespace davit::cli
