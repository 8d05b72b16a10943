// Times of images: SOURCE_DATE_EPOCH where it is given, else now.
#pragma once

#include "davit/build.hpp"
#include "davit/image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::build {

// Of the build's arguments. Seconds since 1970. Errc::usage: no number.
std::optional<std::int64_t> source_date_epoch(const BuildRequest& request);
std::string rfc3339(std::int64_t seconds, unsigned nanoseconds = 0);
std::string now_text(const BuildRequest& request);

// Gives entries without a time one: those that stand before the first layer of this build that of this layer, the
// others that of the last layer before them.
void fill_times(std::vector<image::HistoryEntry>& history);

} // namespace davit::build
