#include "image/archive.hpp"

#include "archive/archive_files.hpp"
#include "archive/inflate.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"
#include "image/ingest.hpp"
#include "image/layer_ingest.hpp"
#include "image/platform.hpp"
#include "image/room.hpp"
#include "image/store_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>

namespace davit::image {

namespace {

// Of a media type (image-spec, layer.md); the registries know no others.
const char* suffix_of(archive::Compression compression) {
    switch (compression) {
    case archive::Compression::gzip: return "+gzip";
    case archive::Compression::zstd: return "+zstd";
    case archive::Compression::none:
    case archive::Compression::bzip2:
    case archive::Compression::xz: break;
    }
    return "";
}

class FilesProvider : public BlobProvider {
public:
    explicit FilesProvider(const archive::ArchiveFiles& files) : files_(files) {}
    void put(const std::string& digest, const std::string& path) { paths_[digest] = path; }
    std::unique_ptr<archive::ByteSource> open(const registry::Descriptor& blob, std::uint64_t offset,
                                              const std::stop_token&) override {
        return files_.open(path_of(blob.digest), offset);
    }
    std::string own_file(const registry::Descriptor& blob) override { return files_.own_file(path_of(blob.digest)); }
    std::string path_of(const std::string& digest) const {
        if (auto it = paths_.find(digest); it != paths_.end()) return it->second;
        return "blobs/" + digest.substr(0, digest.find(':')) + "/" + registry::hex_of(digest);
    }
    bool has(const std::string& digest) const { return files_.has(path_of(digest)); }

private:
    const archive::ArchiveFiles& files_;
    std::map<std::string, std::string> paths_;
};

class Loader {
public:
    Loader(Store& store, const archive::ArchiveFiles& files, const LoadOptions& options)
        : store_(store), files_(files), provider_(files), options_(options),
          wanted_(options.platform.empty() ? host_platform() : parse_platform(options.platform)) {}

    std::vector<Loaded> run(const std::string& name) {
        // A hybrid (docker save since 25) says more in its index: it keeps the manifest's digest.
        if (files_.has("oci-layout") && files_.has("index.json")) load_layout();
        else if (auto manifest = files_.read("manifest.json")) load_docker(*manifest);
        else if (files_.has("repositories"))
            throw error(Errc::unsupported, "{} is a docker-archive of before Docker 1.10", name);
        else
            throw error(Errc::failed, "{} is neither an OCI layout nor a docker-archive", name)
                .with_hint("it has no oci-layout with index.json, and no manifest.json");
        return std::move(loaded_);
    }

private:
    Ingested ingested(const registry::Descriptor& manifest, const std::string& json) {
        IngestOptions options;
        options.stop = options_.stop;
        return ingest(store_, provider_, manifest, json, options);
    }

    void take(const registry::Descriptor& manifest, const std::string& json,
              const std::vector<registry::Reference>& written) {
        const auto references = given(written);
        Ingested result = ingested(manifest, json);
        Loaded out;
        for (const auto& reference : references) {
            store_.tag(result.image, reference);
            out.references.push_back(reference.familiar());
        }
        auto image = store_.find(result.image.id);
        out.image = image ? std::move(*image) : std::move(result.image);
        loaded_.push_back(std::move(out));
    }

    std::vector<registry::Reference> given(const std::vector<registry::Reference>& written) const {
        return options_.names ? written : std::vector<registry::Reference>();
    }

    static std::optional<registry::Reference> name_of(const registry::Descriptor& d) {
        if (auto it = d.annotations.find("io.containerd.image.name"); it != d.annotations.end())
            return registry::Reference::try_parse(it->second);
        auto it = d.annotations.find("org.opencontainers.image.ref.name");
        // "7" alone is a tag of a name that the layout does not tell
        if (it == d.annotations.end() || it->second.find_first_of(":/@") == std::string::npos) return std::nullopt;
        return registry::Reference::try_parse(it->second);
    }

    static bool has_tag(const registry::Descriptor& d, const std::string& tag) {
        if (const auto reference = name_of(d)) return reference->tag() == tag;
        const auto it = d.annotations.find("org.opencontainers.image.ref.name");
        return it != d.annotations.end() && it->second == tag;
    }

    std::vector<registry::Descriptor> chosen(std::vector<registry::Descriptor> all) {
        if (!options_.digest.empty()) return {by_digest(all)};
        if (options_.tag.empty() || all.size() < 2) return all;
        std::erase_if(all, [&](const registry::Descriptor& d) { return !has_tag(d, options_.tag); });
        if (all.empty())
            throw error(Errc::not_found, "the layout has no image with the tag {}", options_.tag)
                .with_hint("see the annotations org.opencontainers.image.ref.name in its index.json");
        return all;
    }

    registry::Descriptor by_digest(const std::vector<registry::Descriptor>& all) {
        const auto is_it = [&](const registry::Descriptor& d) { return d.digest == options_.digest; };
        if (const auto it = std::find_if(all.begin(), all.end(), is_it); it != all.end()) return *it;
        for (const auto& entry : all) {
            if (!provider_.has(entry.digest)) continue;
            const std::string json = read_document(provider_, entry);
            if (kind_of_document(json) == DocumentKind::manifest) continue;
            const auto inner = parse_index(json);
            if (const auto it = std::find_if(inner.begin(), inner.end(), is_it); it != inner.end()) return *it;
        }
        throw error(Errc::not_found, "the layout has no image {}", options_.digest)
            .with_hint("its index.json lists what it has");
    }

    void load_layout() {
        std::map<std::string, std::vector<registry::Descriptor>> by_name;
        std::vector<registry::Descriptor> unnamed;
        for (auto& entry : chosen(parse_index(*files_.read("index.json")))) {
            auto reference = name_of(entry);
            (reference ? by_name[reference->canonical()] : unnamed).push_back(std::move(entry));
        }
        for (const auto& [name, entries] : by_name) load_named(entries, registry::Reference::parse(name));
        for (const auto& entry : unnamed)
            if (!choose_platform({entry}, wanted_).empty()) load_entry(entry, {}, 0);
        if (loaded_.empty()) throw error(Errc::not_found, "the layout holds no image for {}", to_string(wanted_));
    }

    // A layout may list the images of several platforms under one name, without an index of their own.
    void load_named(const std::vector<registry::Descriptor>& entries, const registry::Reference& name) {
        std::vector<registry::Descriptor> present;
        for (const auto& entry : platforms_in(entries))
            if (is_whole(entry)) present.push_back(entry);
        if (!options_.platform.empty() || present.size() < 2)
            return load_entry(best(entries, name.familiar()), {name}, 0);
        load_index(write_index(present), registry::media::oci_index, present, {name});
    }

    registry::Descriptor best(const std::vector<registry::Descriptor>& entries, const std::string& name) const {
        if (entries.size() == 1 && options_.platform.empty()) return entries.front();
        for (const auto& entry : choose_platform(entries, wanted_))
            if (provider_.has(entry.digest)) return entry;
        throw error(Errc::not_found, "the archive holds no image {} for {}", name, to_string(wanted_));
    }

    // Images, each of another platform; of two for the same one the better.
    std::vector<registry::Descriptor> platforms_in(const std::vector<registry::Descriptor>& entries) const {
        std::vector<registry::Descriptor> out;
        for (const auto& entry : entries) {
            if (!entry.platform) continue;
            const auto choice = choose_platform(entries, *entry.platform);
            const bool known =
                std::any_of(out.begin(), out.end(), [&](const auto& d) { return d.digest == entry.digest; });
            if (!known && !choice.empty() && choice.front().digest == entry.digest) out.push_back(entry);
        }
        return out;
    }

    // An index lists more than was saved, and of that sometimes the manifest is there without its layers.
    bool is_whole(const registry::Descriptor& entry) {
        if (!provider_.has(entry.digest)) return false;
        const std::string json = read_document(provider_, entry);
        if (kind_of_document(json) != DocumentKind::manifest) return false;
        const Manifest manifest = parse_manifest(json);
        return provider_.has(manifest.config.digest) &&
               std::all_of(manifest.layers.begin(), manifest.layers.end(), [&](const registry::Descriptor& layer) {
                   return provider_.has(layer.digest) || store_.impl().has_blob(layer.digest);
               });
    }

    void load_entry(const registry::Descriptor& entry, const std::vector<registry::Reference>& references, int depth) {
        constexpr int deepest = 4; // an index in an index
        if (depth > deepest) throw error(Errc::failed, "the archive's indexes stand in each other without end");
        std::string json = read_document(provider_, entry);
        if (kind_of_document(json) == DocumentKind::manifest) return take(entry, json, references);
        const auto manifests = parse_index(json);
        std::vector<registry::Descriptor> whole;
        if (options_.platform.empty())
            for (const auto& one : platforms_in(manifests))
                if (is_whole(one)) whole.push_back(one);
        if (whole.size() > 1) return load_index(json, entry.media_type, whole, references);
        auto choice = choose_platform(manifests, wanted_);
        auto present = std::find_if(choice.begin(), choice.end(),
                                    [&](const registry::Descriptor& d) { return provider_.has(d.digest); });
        if (present == choice.end() && whole.empty())
            throw error(Errc::not_found, "the archive holds no image for {}", to_string(wanted_));
        load_entry(whole.empty() ? *present : whole.front(), references, depth + 1);
    }

    void load_index(const std::string& json, const std::string& media_type,
                    const std::vector<registry::Descriptor>& manifests,
                    const std::vector<registry::Reference>& written) {
        const auto references = given(written);
        Lease lease = store_.empty_lease();
        std::vector<Ingested> held; // until the index names them
        std::vector<std::string> ids;
        for (const auto& manifest : manifests) {
            held.push_back(ingested(manifest, read_document(provider_, manifest)));
            ids.push_back(held.back().image.id);
        }
        const Index index = store_.put_index(lease, json, media_type, ids);
        Loaded out;
        for (const auto& reference : references) {
            store_.tag(index, reference);
            out.references.push_back(reference.familiar());
        }
        auto image = references.empty() ? std::nullopt : store_.find(references.front());
        out.image = image ? std::move(*image) : std::move(held.front().image);
        loaded_.push_back(std::move(out));
    }

    void load_docker(const std::string& text) {
        Json list = parse_untrusted(text);
        if (!list.is_array()) throw error(Errc::failed, "the archive's manifest.json is no list");
        for (const Json& item : list) {
            if (!item.is_object()) throw error(Errc::failed, "an entry of the archive's manifest.json is no object");
            load_docker_image(item);
        }
    }

    void load_docker_image(const Json& item) {
        auto config = files_.read(text_of(item, "Config"));
        if (!config) throw error(Errc::failed, "the archive has no file {}", text_of(item, "Config"));
        Manifest manifest;
        manifest.media_type = registry::media::oci_manifest;
        manifest.config = {
            registry::media::oci_config, "sha256:" + sha256_hex(*config), config->size(), std::nullopt, {}};
        provider_.put(manifest.config.digest, text_of(item, "Config"));
        const auto diff_ids = parse_configuration(*config).diff_ids;
        const auto paths = list_of(item, "Layers");
        if (paths.size() != diff_ids.size())
            throw error(Errc::failed, "the archive has {} layers but its configuration names {}", paths.size(),
                        diff_ids.size());
        for (std::size_t i = 0; i < paths.size(); ++i) manifest.layers.push_back(describe_layer(paths[i], diff_ids[i]));
        std::string json = write_manifest(manifest);
        std::vector<registry::Reference> references;
        for (const auto& tag : list_of(item, "RepoTags")) references.push_back(registry::Reference::parse(tag));
        take({manifest.media_type, "sha256:" + sha256_hex(json), json.size(), std::nullopt, {}}, json, references);
    }

    // A plain layer's digest is its diffID; a compressed one's has to be found out first.
    registry::Descriptor describe_layer(const std::string& path, const std::string& diff_id) {
        auto source = files_.open(path, 0);
        char first[6];
        std::size_t n = source->read(first, sizeof first);
        const archive::Compression compression = archive::compression_of({first, n});
        registry::Descriptor out{registry::media::oci_layer, diff_id, files_.size(path), std::nullopt, {}};
        if (compression != archive::Compression::none) {
            auto whole = files_.open(path, 0);
            archive::TeeSource hashed(*whole, Hasher::Kind::sha256);
            hashed.drain();
            out.digest = "sha256:" + hashed.hex();
            out.media_type += suffix_of(compression);
        }
        provider_.put(out.digest, path);
        return out;
    }

    Store& store_;
    const archive::ArchiveFiles& files_;
    FilesProvider provider_;
    const LoadOptions& options_;
    Platform wanted_;
    std::vector<Loaded> loaded_;
};

// The descriptor again, where the archive can be read at any place of it: a plain file from its beginning.
UniqueFd seekable_tar(int fd, const std::string& name) {
    struct stat st {};
    if (::fstat(fd, &st) < 0) throw sys_error(errno, "looking at {}", name);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) throw error(Errc::failed, "{} is a device, not an archive", name);
    if (!S_ISREG(st.st_mode) || ::lseek(fd, 0, SEEK_CUR) != 0) return {};
    char first[6];
    const ssize_t n = ::pread(fd, first, sizeof first, 0);
    if (n <= 0 || archive::compression_of({first, static_cast<std::size_t>(n)}) != archive::Compression::none)
        return {};
    UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw sys_error(errno, "reading {}", name);
    return copy;
}

} // namespace

std::vector<Loaded> load(Store& store, int fd, const std::string& name, const LoadOptions& options) {
    return in_context("loading " + name, [&] {
        if (UniqueFd tar = seekable_tar(fd, name)) {
            const auto files = archive::open_tar(std::move(tar), name);
            return Loader(store, *files, options).run(name);
        }
        // The files of the archive are the store's blobs: those that it lacks are linked there, nothing is copied.
        const IngestSession session(store.impl());
        archive::StreamSource stream(fd, name, options.stop);
        const auto inflated = archive::make_inflater(stream);
        RoomKeeper plain(*inflated, store.root());
        const auto files = archive::open_stream(plain, session.path(), name);
        return Loader(store, *files, options).run(name);
    });
}

std::vector<Loaded> load(Store& store, const std::string& path, const LoadOptions& options) {
    UniqueFd fd = open_to_read(path);
    struct stat st {};
    if (::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", path);
    if (!S_ISDIR(st.st_mode)) return load(store, fd.get(), path, options);
    return in_context("loading " + path, [&] {
        auto files = archive::open_directory(path);
        return Loader(store, *files, options).run(path);
    });
}

} // namespace davit::image
