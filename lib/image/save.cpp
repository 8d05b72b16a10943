#include "image/archive.hpp"

#include "archive/tar_stream.hpp"
#include "archive/tar_writer.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "image/ingest.hpp"
#include "image/platform.hpp"
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
    bool member = false;                       // of an index alone, which names it
    std::vector<registry::Reference> of_index; // the index's names, which the older format gives this image
};

// An index whose images are all among the exports.
struct IndexExport {
    std::vector<registry::Reference> references;
    std::string json;
    registry::Descriptor descriptor;
    std::map<std::string, std::string> attestations; // what they are made of: digest → bytes
};

struct Exports {
    std::vector<Export> images;
    std::vector<IndexExport> indexes;
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
        e.manifest.layers[i].media_type = layer_type_for(e.manifest.media_type, match->record.blob.media_type);
        changed = true;
    }
    if (!changed) return;
    e.manifest_json = write_manifest(e.manifest);
    e.descriptor = {e.manifest.media_type,
                    "sha256:" + sha256_hex(e.manifest_json),
                    e.manifest_json.size(),
                    e.descriptor.platform,
                    {}};
}

class Collector {
public:
    Collector(const Store& store, const SaveOptions& options) : store_(store), options_(options) {}

    Exports run(const std::vector<std::string>& names) {
        for (const auto& name : names) add(name);
        for (const auto& digest : options_.indexes) add_index(digest);
        for (const auto& text : options_.names) {
            const auto name = registry::Reference::parse(text);
            if (out_.indexes.empty()) out_.images.front().references.push_back(name);
            else out_.indexes.front().references.push_back(name), out_.images.front().of_index.push_back(name);
        }
        return std::move(out_);
    }

private:
    void add(const std::string& name) {
        const auto reference = registry::Reference::try_parse(name);
        const auto id = reference ? store_.impl().id_of(*reference) : std::nullopt;
        std::optional<Image> image;
        if (id && !options_.platform.empty()) image = store_.find(*reference, parse_platform(options_.platform));
        else if (const auto several = id ? store_.index_of(*reference) : std::nullopt; several && several->is_whole())
            return add_named_index(*several, *reference);
        else image = store_.find(name);
        if (!image) throw missing(name);
        if (!options_.platform.empty() && !distance(parse_platform(options_.platform), image->platform))
            throw missing(name);
        Export& e = export_of(std::move(*image));
        e.member = false;
        if (id && reference->digest().empty() &&
            std::find(e.references.begin(), e.references.end(), *reference) == e.references.end())
            e.references.push_back(*reference);
    }

    Error missing(const std::string& name) const {
        if (options_.platform.empty() || !store_.find(name)) {
            const auto reference = registry::Reference::try_parse(name);
            return error(Errc::not_found, "No such image: {}", reference ? reference->familiar() : name);
        }
        return error(Errc::not_found,
                     "image with reference {} was found but does not provide the specified platform ({})", name,
                     options_.platform);
    }

    Export& export_of(Image image) {
        auto same = std::find_if(out_.images.begin(), out_.images.end(),
                                 [&](const Export& e) { return e.image.id == image.id; });
        if (same != out_.images.end()) return *same;
        Export e;
        e.manifest_json = store_.manifest_json(image);
        e.manifest = parse_manifest(e.manifest_json);
        if (e.manifest.media_type.empty()) e.manifest.media_type = registry::media::oci_manifest;
        e.descriptor = {e.manifest.media_type, image.manifest_digest, e.manifest_json.size(), image.platform, {}};
        e.image = std::move(image);
        e.member = true;
        use_what_is_there(store_.impl(), e);
        return *out_.images.insert(out_.images.end(), std::move(e));
    }

    void add_named_index(const Index& index, const registry::Reference& reference) {
        auto& names = add_stored(index).references;
        if (!reference.digest().empty() || std::find(names.begin(), names.end(), reference) != names.end()) return;
        names.push_back(reference);
        // The older of the two formats in the archive knows one image of a name: this machine's.
        export_of(*store_.find(reference)).of_index.push_back(reference);
    }

    void add_index(const std::string& digest) {
        const auto index = store_.impl().index(digest);
        if (!index) throw missing(digest);
        add_stored(*index);
    }

    // Of what is here: the archive is whole.
    IndexExport& add_stored(const Index& index) {
        std::map<std::string, registry::Descriptor> manifests;
        for (const Variant& member : index.members) {
            auto image = store_.impl().image(member.id);
            if (!image) throw missing(member.id);
            manifests[member.manifest_digest] = export_of(std::move(*image)).descriptor;
        }
        std::map<std::string, std::string> attestations;
        for (const auto& one : index.attestations) {
            std::string json = store_.impl().read_blob(one.digest);
            const auto attestation = parse_attestation(json);
            const auto subject = attestation ? manifests.find(attestation->subject) : manifests.end();
            // It is of the manifest as it was: with other blobs of the layers it is another one.
            if (subject == manifests.end() || subject->first != subject->second.digest) continue;
            for (const auto& blob : attestation->blobs)
                attestations[blob.digest] = store_.impl().read_blob(blob.digest);
            attestations[one.digest] = std::move(json);
            manifests[one.digest] = one;
        }
        const std::string json = rewrite_index(store_.impl().read_blob(index.document.digest), manifests);
        IndexExport& out = add_document(json, index.document.media_type);
        out.attestations = std::move(attestations);
        return out;
    }

    IndexExport& add_document(const std::string& json, const std::string& media_type) {
        const registry::Descriptor d{media_type, "sha256:" + sha256_hex(json), json.size(), std::nullopt, {}};
        for (auto& there : out_.indexes)
            if (there.descriptor.digest == d.digest) return there;
        return out_.indexes.emplace_back(IndexExport{{}, json, d, {}});
    }

    const Store& store_;
    const SaveOptions& options_;
    Exports out_;
};

using Annotations = std::map<std::string, std::string>;

Json index_entry(const registry::Descriptor& d, const registry::Reference* reference, const Annotations& annotations) {
    Json out{{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
    if (d.platform) {
        out["platform"] = {{"architecture", d.platform->architecture}, {"os", d.platform->os}};
        if (!d.platform->variant.empty()) out["platform"]["variant"] = d.platform->variant;
    }
    if (reference)
        out["annotations"] = {{"io.containerd.image.name", reference->canonical()},
                              {"org.opencontainers.image.ref.name", reference->familiar()}};
    for (const auto& [key, value] : annotations) out["annotations"].emplace(key, value);
    return out;
}

void add_entries(const registry::Descriptor& d, const std::vector<registry::Reference>& references,
                 const Annotations& annotations, Json& to) {
    for (const auto& reference : references) to.push_back(index_entry(d, &reference, annotations));
    if (references.empty()) to.push_back(index_entry(d, nullptr, annotations));
}

// What index.json lists: of an index's images only the index.
Json top_entries(const Exports& exports, const Annotations& annotations) {
    Json out = Json::array();
    for (const auto& index : exports.indexes) add_entries(index.descriptor, index.references, annotations, out);
    for (const auto& e : exports.images)
        if (!e.member) add_entries(e.descriptor, e.references, annotations, out);
    return out;
}

std::vector<registry::Descriptor> listed(const Exports& exports) {
    std::vector<registry::Descriptor> out;
    for (const auto& index : exports.indexes) out.push_back(index.descriptor);
    for (const auto& e : exports.images)
        if (!e.member) out.push_back(e.descriptor);
    return out;
}

std::string member_of(const std::string& digest) {
    return "blobs/" + digest.substr(0, digest.find(':')) + "/" + registry::hex_of(digest);
}

std::string docker_manifest(const std::vector<Export>& exports) {
    Json out = Json::array();
    for (const auto& e : exports) {
        if (e.member && e.of_index.empty()) continue;
        Json item{{"Config", member_of(e.manifest.config.digest)}, {"RepoTags", nullptr}, {"Layers", Json::array()}};
        for (const auto* names : {&e.references, &e.of_index})
            for (const auto& reference : *names) item["RepoTags"].push_back(reference.familiar());
        for (const auto& layer : e.manifest.layers) item["Layers"].push_back(member_of(layer.digest));
        out.push_back(std::move(item));
    }
    return out.dump();
}

struct BlobToSave {
    std::uint64_t size = 0;
    Layer layer;      // of which it can be made
    std::string blob; // or of this one
};

// Every blob once, in the order of their names.
std::map<std::string, std::string> documents_of(const Exports& exports, const Store& store,
                                                std::map<std::string, BlobToSave>& layers) {
    std::map<std::string, std::string> out;
    for (const auto& index : exports.indexes) {
        out[member_of(index.descriptor.digest)] = index.json;
        for (const auto& [digest, bytes] : index.attestations) out[member_of(digest)] = bytes;
    }
    for (const auto& e : exports.images) {
        out[member_of(e.descriptor.digest)] = e.manifest_json;
        out[member_of(e.manifest.config.digest)] = store.config_json(e.image);
        std::vector<std::string> diff_ids;
        for (const auto& layer : e.image.layers) diff_ids.push_back(layer.diff_id);
        for (std::size_t i = 0; i < e.manifest.layers.size(); ++i) {
            const auto match = store.impl().match_layer(diff_ids, i);
            layers[e.manifest.layers[i].digest] = {e.manifest.layers[i].size, e.image.layers.at(i),
                                                   match ? match->record.blob.digest : ""};
        }
    }
    return out;
}

} // namespace

std::vector<registry::Descriptor> save(const Store& store, const std::vector<std::string>& names, int fd,
                                       const SaveOptions& options) {
    const Exports exports = Collector(store, options).run(names);
    std::map<std::string, BlobToSave> layers;
    const auto documents = documents_of(exports, store, layers);
    archive::TarWriter tar(fd, options.stop);
    tar.directory("blobs");
    tar.directory("blobs/sha256");
    for (const auto& [path, bytes] : documents) tar.file(path, bytes);
    for (const auto& [digest, what] : layers) {
        const std::string path = store.impl().blob_path(digest);
        if (!exists(path)) {
            tar.file(member_of(digest), what.size, [&, from = &what](const TarSink& sink) {
                write_layer(store, from->layer, from->blob, options.blobs, sink);
            });
            continue;
        }
        archive::FileSource blob(sys::open(path, O_RDONLY), path);
        tar.file(member_of(digest), blob, blob_bytes(path));
    }
    const Json index{{"schemaVersion", 2},
                     {"mediaType", registry::media::oci_index},
                     {"manifests", top_entries(exports, options.annotations)}};
    tar.file("index.json", index.dump());
    tar.file("manifest.json", docker_manifest(exports.images));
    tar.file("oci-layout", layout_file);
    tar.finish();
    return listed(exports);
}

std::vector<registry::Descriptor> save_layout(const Store& store, const std::vector<std::string>& names,
                                              const std::string& directory, const SaveOptions& options) {
    const Exports exports = Collector(store, options).run(names);
    std::map<std::string, BlobToSave> layers;
    for (const char* sub : {"/blobs/sha256", "/blobs/sha512"}) sys::make_dirs(directory + sub, 0700);
    for (const auto& [path, bytes] : documents_of(exports, store, layers))
        write_file_atomic(directory + "/" + path, bytes, 0600);
    for (const auto& [digest, what] : layers) {
        archive::throw_if_stopped(options.stop);
        const std::string to = directory + "/" + member_of(digest);
        if (exists(to)) continue;
        if (!store.impl().has_blob(digest)) {
            WholeFile made(to);
            write_layer(store, what.layer, what.blob, options.blobs, archive::to_fd(made.fd(), options.stop));
            made.finish();
            continue;
        }
        archive::FileSource blob(sys::open(store.impl().blob_path(digest), O_RDONLY), digest);
        WholeFile part(to);
        archive::StoppableSource stoppable(blob, options.stop);
        archive::TeeSource copy(stoppable, registry::hash_kind(digest), part.fd());
        copy.drain();
        if (copy.hex() != registry::hex_of(digest)) throw error(Errc::failed, "the stored blob {} is damaged", digest);
        part.finish();
    }
    Json index = parse_untrusted(read_file_if_exists(directory + "/index.json").value_or("{}"));
    if (!index.is_object()) throw error(Errc::failed, "{}/index.json is no JSON object", directory);
    Json entries = top_entries(exports, options.annotations);
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
    return listed(exports);
}

} // namespace davit::image
