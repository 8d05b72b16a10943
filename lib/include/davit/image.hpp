// What an image is, as plain data. Nothing here touches the disk: lib/image does.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit::image {

struct Platform {
    std::string os;           // "linux"
    std::string architecture; // Go's names: "amd64", "arm64", "arm" …
    std::string variant;      // "v8", "v7" …; may be empty
    bool operator==(const Platform&) const = default;
};

// HEALTHCHECK of the image. A zero duration or count means "not set": Docker's defaults apply.
struct Healthcheck {
    std::vector<std::string> test; // {"NONE"} | {"CMD", …} | {"CMD-SHELL", line}; empty: inherit
    std::chrono::nanoseconds interval{0};
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds start_period{0};
    std::chrono::nanoseconds start_interval{0};
    int retries = 0;
    bool operator==(const Healthcheck&) const = default;
};

// The "config" object of the image configuration (image-spec config.md, Docker's additions).
struct Config {
    std::string user;             // "", "name", "uid", "name:group", "uid:gid"
    std::vector<std::string> env; // "K=V"
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::string working_dir;
    std::vector<std::string> volumes;       // absolute paths, sorted
    std::vector<std::string> exposed_ports; // "80/tcp", sorted
    std::map<std::string, std::string> labels;
    std::string stop_signal; // "SIGTERM", "15", ""
    std::optional<Healthcheck> healthcheck;
    std::vector<std::string> shell;
    std::vector<std::string> onbuild;
    bool operator==(const Config&) const = default;
};

struct HistoryEntry {
    std::string created; // RFC 3339
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;
    bool operator==(const HistoryEntry&) const = default;
};

struct Layer {
    std::string diff_id; // digest of the uncompressed tar
    std::string digest;  // digest of the blob as stored
    std::string media_type;
    std::uint64_t blob_size = 0; // bytes of the blob
    std::uint64_t size = 0;      // bytes of the files in it
    std::string directory;       // of the unpacked layer, relative to the store's root
    bool opaque_root = false;    // it hides all layers below
    bool operator==(const Layer&) const = default;
};

struct Image {
    std::string id;                   // "sha256:…", the digest of its configuration
    std::string manifest_digest;      // of the single-platform manifest
    std::vector<std::string> tags;    // familiar form: "redis:7", "localhost:5000/shop/web:1"
    std::vector<std::string> digests; // familiar form: "redis@sha256:…"
    Config config;
    Platform platform;
    std::string created; // RFC 3339; may be empty
    std::string author;
    std::vector<HistoryEntry> history;
    std::vector<Layer> layers; // lowest first
    std::uint64_t size = 0;    // sum of the layers' files, bytes
    bool operator==(const Image&) const = default;
};

} // namespace davit::image
#pragma GCC visibility pop
