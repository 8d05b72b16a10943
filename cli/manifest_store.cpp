#include "cli/manifest_store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_depth.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

// "docker.io/library/x:1" → "docker.io_library_x-1", as docker names its files.
std::string file_name_of(std::string reference) {
    for (char& c : reference) c = c == '/' ? '_' : c == ':' || c == '@' ? '-' : c;
    return reference;
}

} // namespace

ManifestStore::ManifestStore() {
    const std::string directory = docker_config_directory();
    if (directory.empty())
        throw error(Errc::usage, "neither DOCKER_CONFIG nor HOME is set: there is no place for lists of manifests");
    root_ = directory + "/manifests";
}

std::string ManifestStore::directory(const std::string& list) const { return root_ + "/" + file_name_of(list); }

bool ManifestStore::has(const std::string& list) const { return exists(directory(list)); }

std::vector<ListedManifest> ManifestStore::manifests(const std::string& list) const {
    std::vector<ListedManifest> out;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory(list), none)) {
        auto one = parse_untrusted_as<ListedManifest>(read_file(entry.path().string()));
        if (!one.is_object() || !one.contains("Ref") || !one["Ref"].is_string() || !one.contains("Descriptor") ||
            !one["Descriptor"].is_object())
            throw error(Errc::failed, "{} is no manifest", entry.path().string());
        out.push_back(std::move(one));
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a["Ref"] < b["Ref"]; });
    return out;
}

std::optional<ListedManifest> ManifestStore::find(const std::string& list, const std::string& reference) const {
    for (ListedManifest& one : manifests(list))
        if (one["Ref"] == reference) return std::move(one);
    return std::nullopt;
}

void ManifestStore::put(const std::string& list, const ListedManifest& manifest) const {
    const std::string file = file_name_of(manifest.at("Ref").get<std::string>());
    write_file_making(directory(list) + "/" + file, json_text(manifest), 0644);
}

bool ManifestStore::remove(const std::string& list) const { return std::filesystem::remove_all(directory(list)) != 0; }

} // namespace davit::cli
