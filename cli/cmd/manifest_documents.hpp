// Documents of manifests and lists of them, as the verbs about them share them.
#pragma once

#include "base/error.hpp"
#include "davit/images.hpp"
#include "davit/registry.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace davit::cli {

using List = nlohmann::ordered_json;

inline constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";

inline bool is_index(const List& document) { return document.contains("manifests"); }

inline List parsed_manifest(const RemoteManifest& manifest, const std::string& name) {
    List out = List::parse(manifest.bytes, nullptr, false);
    if (!out.is_object()) throw error(Errc::failed, "the manifest of {} is no JSON", name);
    return out;
}

inline List platform_json(const image::Platform& platform) {
    List out = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    return out;
}

// "registry:5000/app" of "registry:5000/app:1".
inline std::string repository_of(const std::string& name) { return parse_image_name(name).repository; }

} // namespace davit::cli
