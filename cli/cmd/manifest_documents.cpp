#include "cli/cmd/manifest_documents.hpp"

#include "base/error.hpp"
#include "davit/images.hpp"

#include <nlohmann/json.hpp>

namespace davit::cli {

bool is_index(const List& document) { return document.contains("manifests"); }

List parsed_manifest(const RemoteManifest& manifest, const std::string& name) {
    List out = List::parse(manifest.bytes, nullptr, false);
    if (!out.is_object()) throw error(Errc::failed, "the manifest of {} is no JSON", name);
    return out;
}

List platform_json(const image::Platform& platform) {
    List out = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    return out;
}

// "registry:5000/app" of "registry:5000/app:1".
std::string repository_of(const std::string& name) { return parse_image_name(name).repository; }

} // namespace davit::cli
