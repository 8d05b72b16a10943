// Takes an image from somewhere (registry, layout, archive) into the store: every blob in one pass,
// layers in parallel, visible only when all is there.
#pragma once

#include "archive/byte_source.hpp"
#include "image/manifest.hpp"
#include "image/pull.hpp"
#include "image/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace davit::image {

class BlobProvider {
public:
    virtual ~BlobProvider() = default;
    // The blob's bytes from offset on, until stop. Called from several threads at once.
    virtual std::unique_ptr<archive::ByteSource> open(const registry::Descriptor& blob, std::uint64_t offset,
                                                      const std::stop_token& stop) = 0;
    // A file on the store's file system that holds the blob and nobody else writes, to be linked; empty: there is none.
    virtual std::string own_file(const registry::Descriptor&) { return {}; }
    // What an interrupted transfer has brought is kept for the next one.
    virtual bool is_remote() const { return false; }
};

struct IngestOptions {
    int threads = 0; // layers at once; 0: one per processor, at most 8
    std::function<void(const PullProgress&)> progress;
    std::stop_token stop;
    std::uint64_t keep_free = 0; // FetchOptions'
    // The image counts before it is on the disk for sure: for what can be had again. After a power cut it is made
    // again of those of its blobs that are whole, or missing.
    bool late_sync = false;
};

struct Ingested {
    Image image;
    Lease lease; // keeps it until it has a name or a user
};

// manifest_json is what manifest's digest is of; that is checked here.
Ingested ingest(Store& store, BlobProvider& provider, const registry::Descriptor& manifest,
                const std::string& manifest_json, const IngestOptions& options);

// Reads a small document (manifest, configuration): at most 4 MiB.
std::string read_document(BlobProvider& provider, const registry::Descriptor& descriptor);

} // namespace davit::image
