#include "remote/oci_project.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "registry/client.hpp"
#include "registry/reference.hpp"
#include "remote/artifact_types.hpp"
#include "remote/cache.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace davit::remote {

namespace {

constexpr std::uint64_t max_file = 16u << 20, max_project = 64u << 20;

std::string text(const nlohmann::json& object, const char* key) {
    auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

void check_inside(const std::string& file, const std::string& shown) {
    const std::filesystem::path path(file);
    bool inside = !file.empty() && path.is_relative() && file.find('\0') == std::string::npos;
    for (const auto& part : path) inside = inside && part != "..";
    if (!inside)
        throw error(Errc::failed, "{} holds a file with the name '{}', which leads out of the project", shown, file);
}

std::string read_whole(registry::RegistryClient& client, const ProjectLayer& layer) {
    registry::Descriptor descriptor{layer.media_type, layer.digest, layer.size, std::nullopt, {}};
    auto source = client.blob(descriptor, 0);
    std::string out(layer.size, '\0');
    std::size_t have = 0;
    while (have < out.size()) {
        const std::size_t n = source->read(out.data() + have, out.size() - have);
        if (n == 0) break;
        have += n;
    }
    if (have != layer.size || layer.digest != "sha256:" + sha256_hex(out))
        throw error(Errc::failed, "the registry sent something else than {}", layer.digest);
    return out;
}

void write_below(const std::string& directory, const std::string& file, const std::string& bytes) {
    const std::string path = directory + "/" + file;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file_atomic(path, bytes, 0600, false);
}

void write_project(registry::RegistryClient& client, const std::vector<ProjectLayer>& layers,
                   const std::string& directory) {
    std::filesystem::create_directories(directory);
    std::string whole; // several compose files are documents of one
    for (const ProjectLayer& layer : layers) {
        const std::string bytes = read_whole(client, layer);
        if (layer.kind != ProjectLayer::Kind::compose) write_below(directory, layer.file, bytes);
        else whole += (whole.empty() ? "" : "\n---\n") + bytes;
    }
    write_below(directory, "compose.yaml", whole);
}

} // namespace

std::vector<ProjectLayer> parse_project_manifest(std::string_view bytes, const std::string& shown) {
    const auto manifest = parse_untrusted(bytes);
    if (!manifest.is_object()) throw error(Errc::failed, "the manifest of {} is no JSON object", shown);
    const std::string type = text(manifest, "artifactType");
    const std::string config = manifest.contains("config") ? text(manifest["config"], "mediaType") : "";
    if (type != media::project && !(type.empty() && config == media::empty_config))
        throw error(Errc::unsupported, "{} is no compose project{}", shown,
                    type.empty() && config.empty() ? "" : " but " + (type.empty() ? config : type))
            .with_hint("images are named by `image:` of a service");
    std::vector<ProjectLayer> out;
    std::uint64_t total = 0;
    const auto layers = manifest.find("layers");
    if (layers == manifest.end() || !layers->is_array())
        throw error(Errc::failed, "the manifest of {} lists no layers", shown);
    for (const auto& item : *layers) {
        if (!item.is_object()) throw error(Errc::failed, "a layer of {} is no JSON object", shown);
        ProjectLayer layer{ProjectLayer::Kind::compose, "", text(item, "mediaType"), text(item, "digest"),
                           unsigned_of(item, "size")};
        if (layer.size > max_file)
            throw error(Errc::failed, "{} holds a file of {} bytes; compose files have at most {}", shown, layer.size,
                        max_file);
        total += layer.size;
        if (total > max_project)
            throw error(Errc::failed, "{} holds more than the {} bytes that a project may have", shown, max_project);
        const auto* noted = object_of(item, "annotations");
        const auto annotations = noted ? *noted : nlohmann::json::object();
        if (layer.media_type == media::env_file) {
            layer.kind = ProjectLayer::Kind::env_file;
            layer.file = text(annotations, annotation::env_file);
        } else if (layer.media_type != media::compose_file) {
            continue;
        } else if (annotations.contains(annotation::extends)) {
            layer.kind = ProjectLayer::Kind::extended;
            layer.file = text(annotations, annotation::file);
        }
        if (layer.kind != ProjectLayer::Kind::compose) check_inside(layer.file, shown);
        out.push_back(std::move(layer));
    }
    return out;
}

std::string project_in_index(std::string_view bytes, const std::string& shown) {
    const auto index = parse_untrusted(bytes);
    if (!index.is_object() || index.contains("layers")) return "";
    const auto list = index.find("manifests");
    if (list == index.end() || !list->is_array()) return "";
    for (const auto& item : *list)
        if (item.is_object() && text(item, "artifactType") == media::project &&
            registry::is_digest(text(item, "digest")))
            return text(item, "digest");
    throw error(Errc::unsupported, "{} is no compose project: none of what it lists is one", shown)
        .with_hint("images are named by `image:` of a service");
}

std::string fetch_from_registry(const std::string& name, const std::string& cache,
                                const std::vector<std::string>& insecure, std::stop_token stop) {
    const std::string shown = "oci://" + name;
    const registry::Reference reference = registry::Reference::parse(name);
    registry::RegistryOptions options;
    registry::read_daemon_config(options);
    heed(stop);
    options.stop = std::move(stop);
    options.insecure_registries.insert(options.insecure_registries.end(), insecure.begin(), insecure.end());
    registry::RegistryClient client(registry::registry_endpoint(reference.domain(), options.insecure_registries),
                                    reference.path(), options);
    auto document = client.manifest(reference.selector());
    if (const auto member = project_in_index(document.bytes, shown); !member.empty())
        document = client.manifest(member);
    const auto layers = parse_project_manifest(document.bytes, shown);
    const std::string key = document.digest.substr(document.digest.find(':') + 1);
    return cached(cache + "/oci", key, [&](const std::string& to) { write_project(client, layers, to); }) +
           "/compose.yaml";
}

} // namespace davit::remote
