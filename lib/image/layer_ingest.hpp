// One layer from its provider to an unpacked directory.
#pragma once

#include "archive/layer_writer.hpp"
#include "image/ingest.hpp"
#include "image/store_impl.hpp"

#include <optional>
#include <string>

namespace davit::image {

// The directory in ingest/ where a process unpacks; locked, so that the collector knows it is alive.
class IngestSession {
public:
    explicit IngestSession(const Store::Impl& store);
    ~IngestSession();
    IngestSession(const IngestSession&) = delete;
    std::string fresh(); // a new empty directory, 0755
    const std::string& path() const { return path_; }

private:
    std::string path_;
    UniqueFd lock_;
};

struct UnpackedLayer {
    std::string directory; // still in the session
    archive::Unpacked result;
};

// Downloads (or resumes), verifies and unpacks. Errors leave the store as it was, except that a
// download cut off by the network or by stop stays to be resumed. ENOSPC leaves nothing.
UnpackedLayer ingest_layer(Store::Impl& store, IngestSession& session, BlobProvider& provider,
                           const registry::Descriptor& blob, const std::string& diff_id, const IngestOptions& options);

// Waits for the lock of a digest, so that one process at a time fetches it; Errc::interrupted.
FileLock lock_digest(const Store::Impl& store, const std::string& digest, const std::stop_token& stop);

} // namespace davit::image
