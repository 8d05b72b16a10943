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

// Layers that the history does not have, above those that it has, get an entry; made_by: of each layer.
void add_missing(std::vector<image::HistoryEntry>& history, const std::vector<std::string>& made_by,
                 const std::string& created);
// Gives entries without a time one: those that stand before the first layer of this build that of this layer, the
// others that of the last layer before them.
void fill_times(std::vector<image::HistoryEntry>& history);

} // namespace davit::build
