#include "image/step_records.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "image/layer_blobs.hpp"
#include "image/layer_ingest.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

constexpr const char* records_directory = "build";

std::string record_path(const Store::Impl& store, const std::string& key) {
    return store.path(std::string(records_directory) + "/" + registry::hex_of(key) + ".json");
}

Json layer_json(const Layer& l) {
    Json out{{"diff_id", l.diff_id},     {"digest", l.digest}, {"media_type", l.media_type},
             {"blob_size", l.blob_size}, {"size", l.size},     {"directory", l.directory}};
    if (l.opaque_root) out["opaque_root"] = true;
    return out;
}

Layer layer_of(const Json& l) {
    const auto opaque = l.find("opaque_root");
    return {text_of(l, "diff_id"),
            text_of(l, "digest"),
            text_of(l, "media_type"),
            unsigned_of(l, "blob_size"),
            unsigned_of(l, "size"),
            text_of(l, "directory"),
            opaque != l.end() && opaque->is_boolean() && opaque->get<bool>()};
}

std::optional<StepRecord> read_step(const std::string& path) {
    const auto text = read_file_if_exists(path);
    if (!text) return std::nullopt;
    const Json json = parse_untrusted(*text);
    if (!json.is_object()) return std::nullopt; // torn by a power cut
    StepRecord out;
    out.key = text_of(json, "key");
    out.result = text_of(json, "result");
    out.created = text_of(json, "created");
    out.description = text_of(json, "description");
    out.parent = text_of(json, "parent");
    out.content = text_of(json, "content");
    out.rest = text_of(json, "rest");
    if (const Json* layer = object_of(json, "layer")) out.layer = layer_of(*layer);
    if (out.key.empty() || out.result.empty()) return std::nullopt;
    return out;
}

} // namespace

std::optional<StepRecord> StepRecords::find(const std::string& key, Lease& lease) const {
    const std::string path = record_path(store_.impl(), key);
    auto record = read_step(path);
    if (!record || record->key != key) return std::nullopt;
    if (record->layer) {
        store_.extend(lease, record->layer->directory); // then look whether the collector was faster
        const auto stands = store_.impl().layer(record->layer->diff_id);
        if (!stands || stands->directory != record->layer->directory) return std::nullopt;
    }
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    return record;
}

void StepRecords::put(const StepRecord& record) const {
    Json json{{"format", 1},
              {"key", record.key},
              {"result", record.result},
              {"created", record.created},
              {"description", record.description},
              {"parent", record.parent},
              {"content", record.content},
              {"rest", record.rest}};
    if (record.layer) json["layer"] = layer_json(*record.layer);
    write_file_making(record_path(store_.impl(), record.key), json.dump(1, ' ', false, Json::error_handler_t::replace),
                      0600, false);
}

void StepRecords::remove(const std::string& key) const { ::unlink(record_path(store_.impl(), key).c_str()); }

std::optional<StepRecord> StepRecords::alike(const std::string& description) const {
    auto all = list();
    for (auto it = all.rbegin(); it != all.rend(); ++it)
        if (it->record.description == description && it->record.layer) return std::move(it->record);
    return std::nullopt;
}

std::vector<StepRecords::Listed> StepRecords::list() const {
    std::set<std::string> in_images;
    for (const auto& id : store_.impl().image_ids())
        if (const auto image = store_.impl().image_record(id))
            for (const Layer& layer : image->layers) in_images.insert(layer.directory);
    std::vector<Listed> out;
    for (const auto& name : list_directory(store_.impl().path(records_directory))) {
        const std::string path = store_.impl().path(std::string(records_directory) + "/" + name);
        auto record = name.ends_with(".json") ? read_step(path) : std::nullopt;
        struct stat st {};
        if (!record || ::stat(path.c_str(), &st) < 0) continue;
        Listed listed;
        listed.last_used = std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
        if (record->layer) {
            listed.size = record->layer->size;
            listed.shared = in_images.contains(record->layer->directory);
        }
        listed.record = std::move(*record);
        out.push_back(std::move(listed));
    }
    std::sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) { return a.last_used < b.last_used; });
    return out;
}

Layer keep_layer(Store& store, Lease& lease, const std::string& directory, const std::string& diff_id,
                 std::uint64_t size, std::uint64_t tar_size, bool opaque_root) {
    const FileLock lock = lock_digest(store.impl(), diff_id, {});
    Layer out{diff_id, diff_id, registry::media::oci_layer, tar_size, size, {}, opaque_root};
    for (int look = 0; look < 2; ++look) { // again once the collector cannot take it any more
        const auto there = store.impl().layer(diff_id);
        if (!there || there->depends) break;
        store.extend(lease, there->directory);
        out.directory = there->directory;
        out.opaque_root = there->opaque_root;
        if (look == 1) return out;
    }
    LayerRecord record;
    record.diff_id = diff_id;
    record.directory = out.directory = store.impl().fresh_layer_name();
    record.size = size;
    record.opaque_root = out.opaque_root = opaque_root;
    record.blob = {out.media_type, diff_id, tar_size, std::nullopt, {}};
    store.extend(lease, record.directory);
    if (::rename(directory.c_str(), store.impl().path(record.directory).c_str()) < 0)
        throw sys_error(errno, "keeping layer {}", diff_id);
    store.impl().write_layer(diff_id, record, false);
    return out;
}

namespace {

// An image outlives the boot: what it names is on the disk before it does.
void settle_on_disk(const Store& store, const std::vector<Layer>& layers) {
    std::vector<LayerRecord> fresh;
    for (const Layer& layer : layers)
        if (store.impl().counts_in_this_boot_only(layer.diff_id))
            if (auto record = store.impl().layer(layer.diff_id)) fresh.push_back(std::move(*record));
    if (fresh.empty()) return;
    const UniqueFd fs = sys::open(store.root(), O_RDONLY | O_DIRECTORY);
    if (::syncfs(fs.get()) < 0) throw sys_error(errno, "writing the image to the disk");
    for (const LayerRecord& record : fresh) store.impl().write_layer(record.diff_id, record, true);
}

// What is pushed or pulled has other blobs of the same layers, which is no other image.
bool is_as_wanted(const Store& store, const Image& there, const ImageRecord& wanted, const Manifest& manifest,
                  const ManifestForm& form) {
    if (there.manifest_digest == wanted.manifest.digest) return true;
    if (form.exact) return false;
    const Manifest old = parse_manifest(store.manifest_json(there));
    return old.annotations == manifest.annotations && (form.docker ? old.media_type == manifest.media_type : true);
}

} // namespace

registry::Descriptor put_document(Store& store, Lease& lease, const std::string& media_type, const std::string& bytes) {
    const registry::Descriptor out{media_type, "sha256:" + sha256_hex(bytes), bytes.size(), std::nullopt, {}};
    store.extend(lease, out.digest);
    const FileLock lock = store.impl().use();
    store.impl().write_blob(out.digest, bytes);
    return out;
}

Image put_image(Store& store, Lease& lease, const std::string& config_json, const std::vector<Layer>& layers,
                const ManifestForm& form) {
    Manifest manifest;
    manifest.media_type = form.docker ? registry::media::docker_manifest : registry::media::oci_manifest;
    manifest.config = {form.docker ? registry::media::docker_config : registry::media::oci_config,
                       "sha256:" + sha256_hex(config_json),
                       config_json.size(),
                       std::nullopt,
                       {}};
    manifest.annotations = form.annotations;
    for (const Layer& layer : layers)
        manifest.layers.push_back(
            {layer_type_for(manifest.media_type, layer.media_type), layer.digest, layer.blob_size, std::nullopt, {}});
    const std::string json = write_manifest(manifest);
    ImageRecord record;
    record.id = manifest.config.digest;
    record.manifest = {manifest.media_type, "sha256:" + sha256_hex(json), json.size(), std::nullopt, {}};
    record.layers = layers;
    store.extend(lease, record.id + "\n" + record.manifest.digest);
    if (const auto there = store.impl().image(record.id); there && is_as_wanted(store, *there, record, manifest, form))
        return *there;
    store.impl().write_blob(record.id, config_json);
    store.impl().write_blob(record.manifest.digest, json);
    settle_on_disk(store, layers);
    store.impl().write_image(record);
    auto image = store.impl().image(record.id);
    if (!image) throw error(Errc::failed, "the image {} is gone from the store", record.id);
    return std::move(*image);
}

} // namespace davit::image
