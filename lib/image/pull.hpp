// Fetching an image from its registry into the store.
#pragma once

#include "davit/error.hpp"
#include "image/credentials.hpp"
#include "image/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::image {

enum class PullPolicy { always, missing, never };

struct PullProgress {
    enum class Stage { resolving, waiting, downloading, unpacking, present, done, failed };
    std::string layer; // digest of the blob; empty: the image as a whole
    Stage stage = Stage::resolving;
    std::uint64_t current = 0; // bytes
    std::uint64_t total = 0;   // 0: unknown
};

// Sums the progress of an image's layers, for one line of display. Thread-compatible.
class PullTotals {
public:
    void add(const PullProgress& progress);
    std::uint64_t current() const { return current_; }
    std::uint64_t total() const { return total_; }
    const std::string& text() const { return text_; } // "resolving", "3 of 5 layers"

private:
    struct LayerState {
        std::uint64_t current = 0, total = 0;
        bool done = false;
    };
    std::map<std::string, LayerState> layers_;
    std::uint64_t current_ = 0, total_ = 0;
    std::string text_;
};

struct PullOptions {
    std::string platform; // "linux/arm64/v8"; empty: this machine's
    PullPolicy policy = PullPolicy::always;
    CredentialSource credentials;                 // default: Docker's and podman's files, see credentials.hpp
    std::vector<std::string> insecure_registries; // "host[:port]": plain HTTP or unverified TLS allowed
    std::vector<std::string> mirrors;             // URLs tried first for docker.io
    int max_parallel = 0;                         // layers at once; 0: by the number of processors, at least 3
    int max_attempts = 5;                         // per request, without progress in between
    std::chrono::seconds stall_timeout{30};       // without a byte, before a connection counts as broken
    // Called from several threads, never at the same time.
    std::function<void(const PullProgress&)> progress;
    // Called with texts a user should see (registry's Warning header, platform mismatch).
    std::function<void(const std::string&)> warning;
    std::stop_token stop;
};

// Reads /etc/docker/daemon.json and /etc/davit/daemon.json ("insecure-registries", "registry-mirrors")
// and the environment's DAVIT_REGISTRY_TIMEOUT (seconds).
void read_daemon_config(PullOptions& options);

// Errors: not_found (no such image, tag or platform), denied (credentials), unavailable (registry
// down, rate limit), failed (corrupt blob; disk full with os() == ENOSPC), interrupted (stop).
// Whatever happens, the store holds either the whole image or nothing that a lookup can see.
Image pull(Store& store, const Reference& reference, const PullOptions& options = {});

// Adds to the hint of an error about an image which others of that repository are here: most often the
// tag or the platform is wrong. "you have busybox:latest, linux/amd64".
void hint_at_others(Error& error, const Store& store, const Reference& reference);

} // namespace davit::image
