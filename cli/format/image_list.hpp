// The lists of images, in the two forms that docker has for them. Pure.
#pragma once

#include "davit/image.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// "2 hours ago"; "N/A".
std::string age_text(const std::string& created, std::int64_t now_ns);

// A row for each name, one for an image without; fields as in `docker image ls --format`.
std::vector<nlohmann::json> image_rows(const image::Image& image, std::int64_t now_ns, bool truncate);
const nlohmann::json& image_headers();

// Whether a row of image_rows() is one that `image ls PATTERN` or the filter reference=PATTERN means: a repository,
// with tag or without, or a pattern of either.
bool is_named_by(const nlohmann::json& row, const std::string& pattern);

// What `docker images` shows by itself since version 29: names, sizes, and whether a container has it.
struct ImageLine {
    std::string name, id, disk_use, content;
    bool in_use = false;
};
std::string image_overview(const std::vector<ImageLine>& lines);

} // namespace davit::cli
