// What steps of builds have made: the build cache's records, the third root of the store's garbage collector beside
// images and leases. One small file each: build/<hex of the key>.json; its mtime is when it was last used.
#pragma once

#include "davit/image.hpp"
#include "image/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::image {

struct StepRecord {
    std::string key;            // sha256:… of what the step was given
    std::string result;         // the key under which what it made is known: its own, or that of equal contents
    std::optional<Layer> layer; // none: the step changed no files, or `result` names another record
    std::string created;        // RFC 3339
    std::string description;    // "RUN apt-get update"
    // Of the key: what the step came after, the contents it took, and the rest.
    std::string parent, content, rest;
};

// All methods may be called from several threads and processes; they block on the disk only.
class StepRecords {
public:
    explicit StepRecords(Store& store) : store_(store) {}

    // The record, used now. Its layer is kept by the lease from here on, if it is still there. nullopt: none.
    std::optional<StepRecord> find(const std::string& key, Lease& lease) const;
    void put(const StepRecord& record) const;
    void remove(const std::string& key) const;

    struct Listed {
        StepRecord record;
        std::int64_t last_used = 0; // ns since 1970
        std::uint64_t size = 0;     // bytes of its layer's files
        bool shared = false;        // an image has that layer too
    };
    std::vector<Listed> list() const; // least recently used first
    // The last one used of that description that was made in another way.
    std::optional<StepRecord> alike(const std::string& description) const;

private:
    Store& store_;
};

// A directory in the store's ingest/ becomes the layer of that diffID, or is left to be removed where there is one.
// size: bytes of its files; tar_size: of its tar, which is written when it is saved or pushed.
Layer keep_layer(Store& store, Lease& lease, const std::string& directory, const std::string& diff_id,
                 std::uint64_t size, std::uint64_t tar_size, bool opaque_root);
// A document beside images, as an index's attestations; the lease keeps it.
registry::Descriptor put_document(Store& store, Lease& lease, const std::string& media_type, const std::string& bytes);

// How a manifest is written.
struct ManifestForm {
    bool docker = false; // Docker's media types instead of OCI's
    std::map<std::string, std::string> annotations = {};
    bool exact = false; // the image's manifest names the layers' blobs as they are given, whatever it named before
};

// The image of these layers, which the lease keeps. The same bytes are the same image.
Image put_image(Store& store, Lease& lease, const std::string& config_json, const std::vector<Layer>& layers,
                const ManifestForm& form = {});

} // namespace davit::image
