// The store's files and records, for the .cpp files of this component.
#pragma once

#include "image/manifest.hpp"
#include "image/store.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace davit::image {

struct LayerRecord {
    std::string diff_id;
    std::string directory; // "l/abcdefgh"
    std::uint64_t size = 0;
    bool opaque_root = false;
    bool depends = false;      // it was, or would have to be, settled upon the layers below it
    registry::Descriptor blob; // what it was unpacked from
};

struct ImageRecord {
    std::string id;
    registry::Descriptor manifest;
    std::vector<Layer> layers;
};

struct Store::Impl {
    explicit Impl(std::string root_path);
    void make_directories() const;

    const std::string root;
    const std::string boot;

    std::string path(const std::string& below) const { return root + "/" + below; }
    std::string blob_path(const std::string& digest) const;
    bool has_blob(const std::string& digest) const;
    std::string read_blob(const std::string& digest) const;                 // verified
    std::optional<std::string> whole_blob(const std::string& digest) const; // nothing: missing, or damaged
    void write_blob(const std::string& digest, std::string_view bytes);

    FileLock use() const { return FileLock::acquire(path("lock"), FileLock::Mode::shared); }
    FileLock collect() const { return FileLock::acquire(path("lock"), FileLock::Mode::exclusive); }

    // key: a diffID, or a ChainID for what depends on the layers below. synced: on the disk for sure.
    std::optional<LayerRecord> layer(const std::string& key) const;
    void write_layer(const std::string& key, const LayerRecord& record, bool synced) const;
    bool counts_in_this_boot_only(const std::string& key) const;
    // Whether the record counts after a power cut.
    bool is_synced(const std::string& key) const;
    // Where the layer of this key stood in a boot before that ended too early: containers may name the directory.
    std::string stale_directory(const std::string& key) const;
    // The record that may serve as layer i of an image with these diffIDs, and its key.
    struct Match {
        std::string key;
        LayerRecord record;
    };
    std::optional<Match> match_layer(const std::vector<std::string>& diff_ids, std::size_t i) const;

    std::optional<ImageRecord> image_record(const std::string& id) const;
    void write_image(const ImageRecord& record, bool synced = true) const;
    // Its record, and all that it names, count after a power cut.
    bool is_image_synced(const std::string& id) const;
    std::string image_file(const std::string& id) const { return "images/" + registry::hex_of(id) + ".json"; }
    std::string layer_file(const std::string& key) const { return "layers/" + registry::hex_of(key) + ".json"; }
    std::optional<Image> image(const std::string& id) const; // without names
    std::vector<std::string> image_ids() const;

    struct Name {
        std::string reference; // canonical
        std::string id;
    };
    std::vector<Name> names() const;
    std::optional<std::string> id_of(const registry::Reference& reference) const;
    std::string file_of(const registry::Reference& reference) const;
    std::string name_path(const registry::Reference& reference, const char* directory = "refs/") const {
        return path(directory + file_of(reference));
    }
    void set_name(const registry::Reference& reference, const std::string& id) const;
    void link_name(const std::string& link, const std::string& target, const registry::Reference& reference) const;
    void add_names(Image& image) const;
    void add_names(Image& image, const std::vector<Name>& names) const;

    // By its digest; members whose images are gone are left out.
    std::optional<Index> index(const std::string& digest) const;
    void write_index(const Index& index) const;
    // Of the name that stands in this file of refs/ and index-refs/.
    std::optional<Index> index_of_name(const std::string& file) const;
    void set_index(const registry::Reference& reference, const std::string& digest) const;
    void drop_name(const registry::Reference& reference) const;
    // The index without one of its several members; names that stood for it first stand for another.
    void drop_member(Index index, const std::string& id) const;
    // Images that names stand for only together with others.
    std::set<std::string> hidden_members(const std::vector<Name>& names) const;
    std::vector<registry::Descriptor> attestations_of(const std::vector<registry::Descriptor>& listed) const;
    std::vector<registry::Descriptor> blobs_of_attestation(const std::string& digest) const;
    void collect_indexes(const std::set<std::string>& leases, std::set<std::string>& blobs) const;

    void discard(const std::string& path) const; // into trash/
    std::string fresh_layer_name() const;        // "l/…"

private:
    mutable std::mutex mutex_;
    // What a record was read as: another process may have written another since.
    struct Known {
        ino_t inode;
        time_t seconds;
        long nanoseconds;
        Image image;
        bool is_of(const struct stat& now) const {
            return inode == now.st_ino && seconds == now.st_ctim.tv_sec && nanoseconds == now.st_ctim.tv_nsec;
        }
    };
    mutable std::map<std::string, Known> cache_;
};

inline constexpr const char* index_refs = "index-refs/";

// Of a link to "…/<hex>.json"; nothing: no such link.
std::optional<std::string> digest_in_link(const std::string& path);
std::vector<std::string> list_directory(const std::string& path);
std::uint64_t blob_bytes(const std::string& path); // size of one file; 0 if missing

} // namespace davit::image
