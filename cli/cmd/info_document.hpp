// What `info` knows of this machine, in the shape of Docker's API.
#pragma once

#include "davit/engine.hpp"

#include <nlohmann/json_fwd.hpp>

namespace davit::cli {

nlohmann::ordered_json info_document(Engine& engine);

// What templates may ask for although the document leaves it out.
extern const char* const info_zeros;

} // namespace davit::cli
