#include "image/archive.hpp"

#include "archive/tar_writer.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "image/ingest.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <fcntl.h>
#include <map>

namespace davit::image {

namespace {

constexpr const char* layout_file = "{\"imageLayoutVersion\":\"1.0.0\"}";

struct Export {
    Image image;
    std::vector<registry::Reference> references;
    std::string manifest_json;
    Manifest manifest;
    registry::Descriptor descriptor;
};

// The layers that were unpacked from other blobs (another compression) are named as those blobs.
void use_what_is_there(const Store::Impl& store, Export& e) {
    bool changed = false;
    std::vector<std::string> diff_ids;
    for (const auto& layer : e.image.layers) diff_ids.push_back(layer.diff_id);
    for (std::size_t i = 0; i < e.manifest.layers.size(); ++i) {
        if (store.has_blob(e.manifest.layers[i].digest)) continue;
        if (e.manifest.layers[i].digest == diff_ids[i]) continue; // its tar itself, which is made
        auto match = store.match_layer(diff_ids, i);
        if (!match || !store.has_blob(match->record.blob.digest))
            throw error(Errc::failed, "the store has no blob of layer {} of {}", diff_ids[i], e.image.id)
                .with_hint("pull or load the image again");
        e.manifest.layers[i] = match->record.blob;
        changed = true;
    }
    if (!changed) return;
    e.manifest_json = write_manifest(e.manifest);
    e.descriptor = {
        e.manifest.media_type, "sha256:" + sha256_hex(e.manifest_json), e.manifest_json.size(), std::nullopt, {}};
}

std::vector<Export> collect(const Store& store, const std::vector<std::string>& names, const SaveOptions& options) {
    std::vector<Export> out;
    for (const auto& name : names) {
        auto image = store.find(name);
        if (!image) throw error(Errc::not_found, "No such image: {}", name);
        auto reference = registry::Reference::try_parse(name);
        const bool by_name = reference && store.impl().id_of(*reference) == image->id && reference->digest().empty();
        auto same = std::find_if(out.begin(), out.end(), [&](const Export& e) { return e.image.id == image->id; });
        if (same == out.end()) {
            Export e;
            e.manifest_json = store.manifest_json(*image);
            e.manifest = parse_manifest(e.manifest_json);
            if (e.manifest.media_type.empty()) e.manifest.media_type = registry::media::oci_manifest;
            e.descriptor = {e.manifest.media_type, image->manifest_digest, e.manifest_json.size(), std::nullopt, {}};
            e.image = std::move(*image);
            use_what_is_there(store.impl(), e);
            same = out.insert(out.end(), std::move(e));
        }
        if (by_name &&
            std::find(same->references.begin(), same->references.end(), *reference) == same->references.end())
            same->references.push_back(*reference);
    }
    for (Export& e : out)
        for (const auto& name : options.names) e.references.push_back(registry::Reference::parse(name));
    return out;
}

Json index_entry(const Export& e, const registry::Reference* reference) {
    Json out{{"mediaType", e.descriptor.media_type}, {"digest", e.descriptor.digest}, {"size", e.descriptor.size}};
    out["platform"] = {{"architecture", e.image.platform.architecture}, {"os", e.image.platform.os}};
    if (!e.image.platform.variant.empty()) out["platform"]["variant"] = e.image.platform.variant;
    if (reference)
        out["annotations"] = {{"io.containerd.image.name", reference->canonical()},
                              {"org.opencontainers.image.ref.name", reference->familiar()}};
    return out;
}

Json index_entries(const Export& e) {
    Json out = Json::array();
    for (const auto& reference : e.references) out.push_back(index_entry(e, &reference));
    if (e.references.empty()) out.push_back(index_entry(e, nullptr));
    return out;
}

std::string member_of(const std::string& digest) {
    return "blobs/" + digest.substr(0, digest.find(':')) + "/" + registry::hex_of(digest);
}

std::string docker_manifest(const std::vector<Export>& exports) {
    Json out = Json::array();
    for (const auto& e : exports) {
        Json item{
            {"Config", member_of(e.manifest.config.digest)}, {"RepoTags", Json::array()}, {"Layers", Json::array()}};
        for (const auto& reference : e.references) item["RepoTags"].push_back(reference.familiar());
        for (const auto& layer : e.manifest.layers) item["Layers"].push_back(member_of(layer.digest));
        out.push_back(std::move(item));
    }
    return out.dump();
}

struct BlobToSave {
    std::uint64_t size = 0;
    Layer layer; // of which it can be made
};

// Every blob once, in the order of their names.
std::map<std::string, std::string> documents_of(const std::vector<Export>& exports, const Store& store,
                                                std::map<std::string, BlobToSave>& layers) {
    std::map<std::string, std::string> out;
    for (const auto& e : exports) {
        out[member_of(e.descriptor.digest)] = e.manifest_json;
        out[member_of(e.manifest.config.digest)] = store.config_json(e.image);
        for (std::size_t i = 0; i < e.manifest.layers.size(); ++i)
            layers[e.manifest.layers[i].digest] = {e.manifest.layers[i].size, e.image.layers.at(i)};
    }
    return out;
}

} // namespace

void save(const Store& store, const std::vector<std::string>& names, int fd, const SaveOptions& options) {
    const auto exports = collect(store, names, options);
    std::map<std::string, BlobToSave> layers;
    const auto documents = documents_of(exports, store, layers);
    archive::TarWriter tar(fd);
    tar.directory("blobs");
    tar.directory("blobs/sha256");
    for (const auto& [path, bytes] : documents) tar.file(path, bytes);
    for (const auto& [digest, what] : layers) {
        const std::string path = store.impl().blob_path(digest);
        if (!exists(path)) {
            tar.file(member_of(digest), what.size, [&, layer = &what.layer](const TarSink& sink) {
                write_layer(store, *layer, options.blobs, sink);
            });
            continue;
        }
        archive::FileSource blob(sys::open(path, O_RDONLY), path);
        tar.file(member_of(digest), blob, blob_bytes(path));
    }
    Json index{{"schemaVersion", 2}, {"mediaType", registry::media::oci_index}, {"manifests", Json::array()}};
    for (const auto& e : exports)
        for (auto& entry : index_entries(e)) index["manifests"].push_back(std::move(entry));
    tar.file("index.json", index.dump());
    tar.file("manifest.json", docker_manifest(exports));
    tar.file("oci-layout", layout_file);
    tar.finish();
}

void save_layout(const Store& store, const std::vector<std::string>& names, const std::string& directory,
                 const SaveOptions& options) {
    const auto exports = collect(store, names, options);
    std::map<std::string, BlobToSave> layers;
    for (const char* sub : {"/blobs/sha256", "/blobs/sha512"}) sys::make_dirs(directory + sub, 0700);
    for (const auto& [path, bytes] : documents_of(exports, store, layers))
        write_file_atomic(directory + "/" + path, bytes, 0600);
    for (const auto& [digest, what] : layers) {
        const std::string to = directory + "/" + member_of(digest);
        if (exists(to)) continue;
        if (!store.impl().has_blob(digest)) {
            WholeFile made(to);
            write_layer(store, what.layer, options.blobs,
                        [&](std::string_view bytes) { sys::write_all(made.fd(), bytes); });
            made.finish();
            continue;
        }
        archive::FileSource blob(sys::open(store.impl().blob_path(digest), O_RDONLY), digest);
        WholeFile part(to);
        archive::TeeSource copy(blob, registry::hash_kind(digest), part.fd());
        copy.drain();
        if (copy.hex() != registry::hex_of(digest)) throw error(Errc::failed, "the stored blob {} is damaged", digest);
        part.finish();
    }
    Json index = parse_untrusted(read_file_if_exists(directory + "/index.json").value_or("{}"));
    if (!index.is_object()) throw error(Errc::failed, "{}/index.json is no JSON object", directory);
    Json entries = Json::array();
    for (const auto& e : exports)
        for (auto& entry : index_entries(e)) entries.push_back(std::move(entry));
    auto replaced = [&](const Json& old) {
        auto name = [](const Json& entry) {
            return entry.contains("annotations") ? text_of(entry["annotations"], "org.opencontainers.image.ref.name")
                                                 : std::string();
        };
        return std::any_of(entries.begin(), entries.end(), [&](const Json& entry) {
            return name(entry) == name(old) &&
                   (!name(old).empty() || text_of(entry, "digest") == text_of(old, "digest"));
        });
    };
    if (index.contains("manifests") && index["manifests"].is_array())
        for (const auto& old : index["manifests"])
            if (old.is_object() && !replaced(old)) entries.push_back(old);
    index["schemaVersion"] = 2;
    index["manifests"] = entries;
    write_file_atomic(directory + "/oci-layout", layout_file, 0600);
    write_file_atomic(directory + "/index.json", index.dump(), 0600);
}

} // namespace davit::image
