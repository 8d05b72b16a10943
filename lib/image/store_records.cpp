#include "image/store_impl.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

// A record that a power cut left empty or torn reads as missing: what it stood for is made again.
Json read_record(const std::string& path) {
    auto text = read_file_if_exists(path);
    if (!text) return Json();
    Json json = parse_untrusted(*text);
    return json.is_object() ? json : Json();
}

Json descriptor_json(const registry::Descriptor& d) {
    return {{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
}

registry::Descriptor read_descriptor(const Json& json, const char* key) {
    const Json* d = object_of(json, key);
    if (!d) return {};
    return {text_of(*d, "mediaType"), text_of(*d, "digest"), unsigned_of(*d, "size"), std::nullopt, {}};
}

bool flag_of(const Json& json, const char* key) {
    auto it = json.find(key);
    return it != json.end() && it->is_boolean() && it->get<bool>();
}

bool is_layer_directory(const std::string& name) {
    return name.size() > 2 && name.starts_with("l/") && name.find('/', 2) == std::string::npos && name[2] != '.';
}

Hasher::Kind kind_of(const std::string& digest) {
    return digest.starts_with("sha512:") ? Hasher::Kind::sha512 : Hasher::Kind::sha256;
}

} // namespace

std::vector<std::string> list_directory(const std::string& path) {
    std::vector<std::string> out;
    Dir listing(::opendir(path.c_str()));
    if (!listing) {
        if (errno == ENOENT) return out;
        throw sys_error(errno, "listing {}", path);
    }
    while (dirent* e = ::readdir(listing.get()))
        if (std::string_view name = e->d_name; name != "." && name != "..") out.emplace_back(name);
    std::sort(out.begin(), out.end());
    return out;
}

std::uint64_t blob_bytes(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_size) : 0;
}

Store::Impl::Impl(std::string root_path) : root(std::move(root_path)), boot(sys::boot_id()) { make_directories(); }

void Store::Impl::make_directories() const {
    if (exists(path("trash"))) return;
    for (const char* directory :
         {"blobs/sha256", "blobs/sha512", "l", "layers", "images", "refs", "ingest", "locks", "leases", "trash"})
        sys::make_dirs(path(directory), 0700);
}

std::string Store::Impl::blob_path(const std::string& digest) const {
    return path("blobs/" + digest.substr(0, digest.find(':')) + "/" + registry::hex_of(digest));
}

bool Store::Impl::has_blob(const std::string& digest) const { return exists(blob_path(digest)); }

std::string Store::Impl::read_blob(const std::string& digest) const {
    std::string bytes = read_file(blob_path(digest));
    Hasher hash(kind_of(digest));
    hash.update(bytes);
    if (hash.hex() != registry::hex_of(digest))
        throw error(Errc::failed, "the stored blob {} is damaged", digest).with_hint("pull or load the image again");
    return bytes;
}

void Store::Impl::write_blob(const std::string& digest, std::string_view bytes) {
    if (whole_blob(digest)) return;
    write_file_atomic(blob_path(digest), bytes, 0444, false); // the image's syncfs covers it
}

std::optional<std::string> Store::Impl::whole_blob(const std::string& digest) const {
    try {
        if (has_blob(digest)) return read_blob(digest);
    } catch (const Error& e) {
        if (e.kind() != Errc::failed || e.os()) throw;
    }
    return std::nullopt;
}

std::optional<LayerRecord> Store::Impl::layer(const std::string& key) const {
    Json json = read_record(path(layer_file(key)));
    LayerRecord out;
    out.directory = json.is_object() ? text_of(json, "directory") : "";
    if (out.directory.empty()) return std::nullopt;
    if (std::string in_boot = text_of(json, "boot"); !in_boot.empty() && in_boot != boot) return std::nullopt;
    if (!exists(path(out.directory))) return std::nullopt;
    out.diff_id = text_of(json, "diff_id");
    out.size = unsigned_of(json, "size");
    out.opaque_root = flag_of(json, "opaque_root");
    out.depends = flag_of(json, "depends");
    out.blob = read_descriptor(json, "blob");
    return out;
}

bool Store::Impl::counts_in_this_boot_only(const std::string& key) const {
    const Json json = read_record(path(layer_file(key)));
    return json.is_object() && !text_of(json, "boot").empty();
}

void Store::Impl::write_layer(const std::string& key, const LayerRecord& r, bool synced) const {
    Json json{{"format", 1},          {"key", key},
              {"diff_id", r.diff_id}, {"directory", r.directory},
              {"size", r.size},       {"blob", descriptor_json(r.blob)}};
    if (r.opaque_root) json["opaque_root"] = true;
    if (r.depends) json["depends"] = true;
    if (!synced) json["boot"] = boot;
    write_file_atomic(path(layer_file(key)), json.dump(1), 0600, false);
}

bool Store::Impl::is_synced(const std::string& key) const {
    const Json json = read_record(path(layer_file(key)));
    return json.is_object() && text_of(json, "boot").empty();
}

std::string Store::Impl::stale_directory(const std::string& key) const {
    const Json json = read_record(path(layer_file(key)));
    if (!json.is_object()) return "";
    const std::string in_boot = text_of(json, "boot"), directory = text_of(json, "directory");
    return in_boot.empty() || in_boot == boot || !is_layer_directory(directory) ? "" : directory;
}

bool Store::Impl::is_image_synced(const std::string& id) const {
    const Json json = read_record(path(image_file(id)));
    return json.is_object() && text_of(json, "boot").empty();
}

std::optional<Store::Impl::Match> Store::Impl::match_layer(const std::vector<std::string>& diff_ids,
                                                           std::size_t i) const {
    std::string chain = chain_id(diff_ids, i + 1);
    if (auto record = layer(chain)) return Match{chain, *record};
    if (i == 0) return std::nullopt; // the ChainID of one layer is its diffID
    auto record = layer(diff_ids[i]);
    if (!record || record->depends) return std::nullopt;
    return Match{diff_ids[i], *record};
}

std::optional<ImageRecord> Store::Impl::image_record(const std::string& id) const {
    Json json = read_record(path(image_file(id)));
    if (!json.is_object()) return std::nullopt;
    if (std::string in_boot = text_of(json, "boot"); !in_boot.empty() && in_boot != boot) return std::nullopt;
    ImageRecord out;
    out.id = text_of(json, "id");
    out.manifest = read_descriptor(json, "manifest");
    for (const Json& l : json.value("layers", Json::array())) {
        Layer layer{text_of(l, "diff_id"),       text_of(l, "digest"),   text_of(l, "media_type"),
                    unsigned_of(l, "blob_size"), unsigned_of(l, "size"), text_of(l, "directory"),
                    flag_of(l, "opaque_root")};
        if (!exists(path(layer.directory))) return std::nullopt;
        out.layers.push_back(std::move(layer));
    }
    return out;
}

void Store::Impl::write_image(const ImageRecord& r, bool synced) const {
    Json json{{"format", 1}, {"id", r.id}, {"manifest", descriptor_json(r.manifest)}, {"layers", Json::array()}};
    for (const auto& l : r.layers) {
        Json layer{{"diff_id", l.diff_id},     {"digest", l.digest}, {"media_type", l.media_type},
                   {"blob_size", l.blob_size}, {"size", l.size},     {"directory", l.directory}};
        if (l.opaque_root) layer["opaque_root"] = true;
        json["layers"].push_back(std::move(layer));
    }
    if (!synced) json["boot"] = boot;
    write_file_atomic(path(image_file(r.id)), json.dump(1), 0600, false);
    std::lock_guard lock(mutex_);
    cache_.erase(r.id);
}

std::optional<Image> Store::Impl::image(const std::string& id) const {
    struct stat now {};
    if (::stat(path(image_file(id)).c_str(), &now) < 0) return std::nullopt;
    std::lock_guard lock(mutex_);
    if (auto it = cache_.find(id); it != cache_.end() && it->second.is_of(now)) return it->second.image;
    auto record = image_record(id);
    if (!record || !has_blob(id)) return std::nullopt;
    ImageConfiguration c = parse_configuration(read_blob(id));
    Image out;
    out.id = id;
    out.manifest_digest = record->manifest.digest;
    out.config = std::move(c.config);
    out.platform = c.platform;
    out.created = c.created;
    out.author = c.author;
    out.history = std::move(c.history);
    out.layers = std::move(record->layers);
    for (const auto& layer : out.layers) out.size += layer.size;
    cache_.insert_or_assign(id, Known{now.st_ino, now.st_ctim.tv_sec, now.st_ctim.tv_nsec, out});
    return out;
}

std::vector<std::string> Store::Impl::image_ids() const {
    std::vector<std::string> out;
    for (const auto& name : list_directory(path("images")))
        if (name.ends_with(".json"))
            out.push_back((name.size() > 69 ? "sha512:" : "sha256:") + name.substr(0, name.size() - 5));
    return out;
}

} // namespace davit::image
