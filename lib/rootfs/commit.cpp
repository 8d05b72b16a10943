#include "rootfs/commit.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "image/ingest.hpp"
#include "image/store_impl.hpp"
#include "registry/descriptor.hpp"
#include "rootfs/commit_changes.hpp"
#include "rootfs/tree_reader.hpp"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::rootfs {

namespace {

using Json = nlohmann::json;

// The layer as the provider has it, everything else from the store.
class CommitBlobs : public image::BlobProvider {
public:
    CommitBlobs(const image::Store& store, int layer, std::string digest, std::string config)
        : store_(store), layer_(layer), digest_(std::move(digest)), config_(std::move(config)) {}

    std::unique_ptr<archive::ByteSource> open(const registry::Descriptor& blob, std::uint64_t offset,
                                              const std::stop_token&) override {
        if (blob.digest == digest_) return file(fmt::format("/proc/self/fd/{}", layer_), offset);
        if (blob.digest == "sha256:" + sha256_hex(config_))
            return std::make_unique<archive::MemorySource>(config_.substr(offset));
        return file(store_.impl().blob_path(blob.digest), offset);
    }

private:
    static std::unique_ptr<archive::ByteSource> file(const std::string& path, std::uint64_t offset) {
        return std::make_unique<archive::FileSource>(sys::open(path, O_RDONLY), path, offset);
    }

    const image::Store& store_;
    int layer_;
    std::string digest_, config_;
};

struct NewLayer {
    UniqueFd file; // without a name
    std::string digest;
    std::uint64_t size = 0;
};

NewLayer write_layer(const std::string& upper, const std::string& directory, const std::stop_token& stop) {
    NewLayer out;
    out.file = sys::open(directory, O_TMPFILE | O_RDWR, 0600);
    Hasher hash(Hasher::Kind::sha256);
    archive::TarStream tar([&](std::string_view bytes) {
        archive::throw_if_stopped(stop);
        hash.update(bytes);
        out.size += bytes.size();
        sys::write_all(out.file.get(), bytes);
    });
    const UniqueFd root = sys::open(upper, O_RDONLY | O_DIRECTORY);
    ReadOptions options;
    options.overlay_marks = options.contents_only = true;
    options.max_path = PATH_MAX - 1; // as deep as a layer may be
    read_tree(root.get(), ".", "", tar, options);
    tar.finish();
    out.digest = "sha256:" + hash.hex();
    return out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

// An entrypoint that is still the image's stays one, so that arguments can be added to it.
void set_command(Json& config, const std::vector<std::string>& args) {
    std::vector<std::string> entrypoint;
    if (const auto found = config.find("Entrypoint"); found != config.end() && found->is_array())
        entrypoint = found->get<std::vector<std::string>>();
    if (entrypoint.empty() || entrypoint.size() > args.size() ||
        !std::equal(entrypoint.begin(), entrypoint.end(), args.begin())) {
        config.erase("Entrypoint");
        entrypoint.clear();
    }
    config["Cmd"] = std::vector<std::string>(args.begin() + static_cast<std::ptrdiff_t>(entrypoint.size()), args.end());
}

} // namespace

std::string committed_config(const std::string& config_json, const runtime::Spec& spec, const CommitOptions& options,
                             const CommittedOf& container, const std::string& diff_id, const std::string& now) {
    Json whole = Json::parse(config_json);
    Json& config = whole["config"];
    if (!config.is_object()) config = Json::object();
    set_command(config, spec.process.args);
    // As Docker orders them: what the container was given, then what it has of its image.
    const auto of_image = config.value("Env", Json());
    Json env = Json::array(), inherited = Json::array();
    for (const std::string& entry : spec.process.env) {
        if (entry.starts_with("HOSTNAME=") || entry.starts_with("HOME=")) continue;
        const bool same = of_image.is_array() && std::find(of_image.begin(), of_image.end(), entry) != of_image.end();
        (same || entry.starts_with("PATH=") ? inherited : env).push_back(entry);
    }
    env.insert(env.end(), inherited.begin(), inherited.end());
    config["Env"] = env;
    // "/" is where a process begins that nobody told otherwise.
    if (spec.process.cwd != "/" || config.contains("WorkingDir")) config["WorkingDir"] = spec.process.cwd;
    if (!spec.process.user.name.empty()) config["User"] = spec.process.user.name;
    for (const auto& [key, value] : container.labels) config["Labels"][key] = value;
    for (const std::string& port : container.expose) config["ExposedPorts"][port] = Json::object();
    apply_changes(config, options.changes);
    whole["created"] = now;
    if (!options.author.empty()) whole["author"] = options.author;
    Json entry = {{"created", now}, {"created_by", joined(spec.process.args)}};
    if (!options.author.empty()) entry["author"] = options.author;
    if (!options.message.empty()) entry["comment"] = options.message;
    whole["history"].push_back(entry);
    whole["rootfs"]["diff_ids"].push_back(diff_id);
    for (const char* stale : {"container", "container_config", "id", "parent"}) whole.erase(stale);
    return whole.dump(-1, ' ', false, Json::error_handler_t::replace);
}

image::Image commit(image::Store& store, const image::Image& base, const runtime::Spec& spec,
                    const CommitOptions& options, const CommittedOf& container, const std::stop_token& stop) {
    if (spec.root.overlay.upper.empty())
        throw error(Errc::unsupported, "the container has no layer of its own that could be committed");
    const NewLayer layer = write_layer(spec.root.overlay.upper, store.root(), stop);
    const std::string config =
        committed_config(store.config_json(base), spec, options, container, layer.digest,
                         rfc3339_nano(sys::realtime_ns())); // to the nanosecond: two commits at once are two images
    image::Manifest manifest;
    manifest.media_type = registry::media::oci_manifest;
    manifest.config = {registry::media::oci_config, "sha256:" + sha256_hex(config), config.size(), std::nullopt, {}};
    for (const image::Layer& below : base.layers)
        manifest.layers.push_back({below.media_type, below.digest, below.blob_size, std::nullopt, {}});
    manifest.layers.push_back({registry::media::oci_layer, layer.digest, layer.size, std::nullopt, {}});
    const std::string json = image::write_manifest(manifest);
    CommitBlobs blobs(store, layer.file.get(), layer.digest, config);
    return image::ingest(store, blobs,
                         {manifest.media_type, "sha256:" + sha256_hex(json), json.size(), std::nullopt, {}}, json, {})
        .image;
}

} // namespace davit::rootfs
