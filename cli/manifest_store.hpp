// Lists of manifests that `manifest create` puts together, until `manifest push` sends them: below docker's directory
// of configuration, a directory a list, a file a manifest, as docker keeps them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

// One manifest of a list: {"Ref", "Descriptor": {mediaType, digest, size, platform}, "Raw": base64,
// "SchemaV2Manifest" or "OCIManifest": {…}}.
using ListedManifest = nlohmann::ordered_json;

class ManifestStore {
public:
    ManifestStore(); // throws Error(usage): no directory of configuration

    bool has(const std::string& list) const;
    std::vector<ListedManifest> manifests(const std::string& list) const; // by reference
    std::optional<ListedManifest> find(const std::string& list, const std::string& reference) const;
    void put(const std::string& list, const ListedManifest& manifest) const;
    bool remove(const std::string& list) const; // whether there was one

private:
    std::string directory(const std::string& list) const;
    std::string root_;
};

} // namespace davit::cli
