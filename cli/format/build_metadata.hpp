// What --metadata-file keeps of a build, as buildx does.
#pragma once

#include "davit/build.hpp"

#include <nlohmann/json_fwd.hpp>

namespace davit::cli {

nlohmann::ordered_json build_metadata(const BuildResult& result);

} // namespace davit::cli
