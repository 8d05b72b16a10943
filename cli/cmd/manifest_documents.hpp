// Documents of manifests and lists of them, as the verbs about them share them.
#pragma once

#include "davit/registry.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::cli {

using List = nlohmann::ordered_json;

inline constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";

bool is_index(const List& document);
List parsed_manifest(const RemoteManifest& manifest, const std::string& name);
List platform_json(const image::Platform& platform);
// "registry:5000/app" of "registry:5000/app:1".
std::string repository_of(const std::string& name);

} // namespace davit::cli
