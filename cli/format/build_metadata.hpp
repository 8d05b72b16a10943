// What --metadata-file and --iidfile keep of a build, as buildx does.
#pragma once

#include "davit/build.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::cli {

// What --iidfile keeps, and -q prints: of one image its own id, of several platforms that of their index; empty where
// the result is files.
std::string build_id(const BuildResult& result);
nlohmann::ordered_json build_metadata(const BuildResult& result);

} // namespace davit::cli
