// rewrite-timestamp=true: files of the layers that this build made are not later than SOURCE_DATE_EPOCH.
#pragma once

#include "build/session.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace davit::build {

// The layers with the times set down, as layers of their own; the first `kept` ones are the base's and stay.
std::vector<image::Layer> with_times(Session& session, const std::vector<image::Layer>& layers, std::size_t kept,
                                     std::int64_t epoch);

} // namespace davit::build
