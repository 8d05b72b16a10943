// Reading files of variables into an environment, with errors at their lines.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/dotenv.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::compose {

// The variables of one file; nullopt if it does not exist. Errors go to the diagnostics.
std::optional<std::vector<std::pair<std::string, std::string>>> read_env_file(Tree&, const std::string& path, bool raw,
                                                                              const Lookup& outside,
                                                                              const Lookup& earlier, Diagnostics&);
// Adds what the files give to what is there; what is there wins, of the files the last.
void merge_env_files(Tree&, Environment& environment, const std::vector<std::string>& paths, Diagnostics&);

} // namespace davit::compose
