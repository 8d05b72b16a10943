// The configuration document of an image that was built. Pure.
#pragma once

#include "davit/image.hpp"

#include <string>
#include <vector>

namespace davit::build {

struct ImageDescription {
    image::Platform platform;
    image::Config config;
    std::string created, author; // RFC 3339
    std::vector<image::HistoryEntry> history;
    std::vector<std::string> diff_ids;
};

// base_json: the base's document, whose fields that nobody here knows are kept; "": none. The same description gives
// the same bytes.
std::string configuration_json(const ImageDescription& description, const std::string& base_json);

} // namespace davit::build
