// Blobs and manifests on their way to a registry, by the distribution protocol.
#pragma once

#include "archive/byte_source.hpp"
#include "registry/client.hpp"
#include "registry/descriptor.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace davit::registry {

struct PushedBlob {
    enum class How { present, mounted, uploaded };
    How how = How::present;
    std::string from; // mounted: the repository that has it
};

struct BlobPush {
    Descriptor blob;
    std::vector<std::string> sources; // repositories of this registry that may have it, the likeliest first
    // The blob's bytes from an offset on; called again after interruptions.
    std::function<std::unique_ptr<archive::ByteSource>(std::uint64_t offset)> open;
    std::function<void(std::uint64_t sent)> progress; // bytes, from one thread
};

// The client must have been made for Purpose::push. May be used from several threads at once.
class Uploader {
public:
    explicit Uploader(RegistryClient& client) : client_(client) {}

    bool has(const std::string& digest, const std::stop_token& stop = {});
    // Sends nothing that is there, mounts what another repository has, else uploads, and goes on after
    // interruptions from where the registry says. Errors: denied, unavailable, not_found (no such repository),
    // unsupported (takes no pushes), failed (it refuses the bytes), interrupted; and what open() throws.
    PushedBlob push(const BlobPush& blob, const std::stop_token& stop = {});
    // selector: a tag, or the digest of the bytes. Whether the registry says that it lists it at its subject.
    bool manifest(const std::string& selector, const std::string& digest, const std::string& media_type,
                  const std::string& bytes, const std::stop_token& stop = {});

private:
    struct Session {
        Url place;                // the newest Location
        std::uint64_t offset = 0; // what the registry has
        std::uint64_t least = 0;  // bytes of a chunk that is not the last
        std::uint64_t chunk = 0;  // 0: all that is left at once
    };
    Session begin(const std::stop_token& stop);
    std::optional<Session> mount(const BlobPush& blob, const std::string& from, const std::stop_token& stop);
    void upload(const BlobPush& blob, Session session, const std::stop_token& stop);
    bool resume(const BlobPush& blob, Session& session, const std::stop_token& stop);
    void cancel(const Session& session, const std::stop_token& stop);
    Session session_at(const RegistryClient::Exchange& exchange) const;

    RegistryClient& client_;
};

// What a Range header of an upload says the registry has: "0-1023" → 1024. "0-0" is what registries say of nothing.
std::optional<std::uint64_t> received_bytes(std::string_view range);
// The next chunk's size; all that is left when it is the last, or chunk is 0.
std::uint64_t next_chunk(std::uint64_t size, std::uint64_t offset, std::uint64_t chunk, std::uint64_t least);
// Another size after "413 Content Too Large"; nothing: smaller ones make no sense.
std::optional<std::uint64_t> smaller_chunk(std::uint64_t size, std::uint64_t chunk, std::uint64_t least);
// The URL with one more query parameter, everything else as it stands.
Url with_query(Url url, const std::string& name, const std::string& value);

} // namespace davit::registry
