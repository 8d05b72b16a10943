#include "cli/format/build_metadata.hpp"

#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

// "linux/arm/v7"
nlohmann::ordered_json platform_of(const std::string& text) {
    const std::size_t slash = text.find('/'), second = text.find('/', slash + 1);
    nlohmann::ordered_json out = {{"architecture", text.substr(slash + 1, second - slash - 1)},
                                  {"os", text.substr(0, slash)}};
    if (second != std::string::npos) out["variant"] = text.substr(second + 1);
    return out;
}

} // namespace

std::string build_id(const BuildResult& result) {
    if (!result.config_digest.empty()) return result.config_digest;
    // Of several platforms: by what finds the image here, where it is kept.
    return result.image_id.empty() ? result.manifest_digest : result.image_id;
}

nlohmann::ordered_json build_metadata(const BuildResult& result) {
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    if (!result.config_digest.empty()) out["containerimage.config.digest"] = result.config_digest;
    if (!result.manifest_digest.empty()) {
        out["containerimage.descriptor"] = {
            {"mediaType", result.manifest_type}, {"digest", result.manifest_digest}, {"size", result.manifest_size}};
        auto& descriptor = out["containerimage.descriptor"];
        if (!result.descriptor_annotations.empty()) descriptor["annotations"] = result.descriptor_annotations;
        if (!result.platform.empty()) descriptor["platform"] = platform_of(result.platform);
        out["containerimage.digest"] = result.manifest_digest;
    }
    std::string names;
    for (const auto& name : result.names.empty() ? result.archive_names : result.names)
        names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) out["image.name"] = names;
    return out;
}

} // namespace davit::cli
