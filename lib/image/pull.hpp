// Fetching an image from its registry into the store.
#pragma once

#include "davit/error.hpp"
#include "image/store.hpp"
#include "registry/options.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace davit::image {

enum class PullPolicy { always, missing, never };

struct PullProgress {
    enum class Stage { resolving, waiting, downloading, unpacking, present, done, failed };
    std::string layer; // digest of the blob; empty: the image as a whole
    Stage stage = Stage::resolving;
    std::uint64_t current = 0; // bytes
    std::uint64_t total = 0;   // 0: unknown
};

// As Docker tells it: "Pulling fs layer", "Extracting", "Pull complete".
const char* stage_text(PullProgress::Stage stage);
// What an event tells of a layer: "layer", the first 12 digits of its digest, and "state", the text of its stage.
std::map<std::string, std::string> layer_attributes(const PullProgress& progress);

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

struct FetchOptions : registry::RegistryOptions {
    std::string platform; // "linux/arm64/v8"; empty: this machine's
    PullPolicy policy = PullPolicy::always;
    // What of the store's file system stays free: refused before the first layer is fetched. 0: nothing is asked for.
    std::uint64_t keep_free = 0;
    int max_parallel = 0; // layers at once; 0: by the number of processors, at least 3
    // Called from several threads, never at the same time.
    std::function<void(const PullProgress&)> progress;
};

// Errors: not_found (no such image, tag or platform), denied (credentials), unavailable (registry
// down, rate limit), failed (corrupt blob; disk full with os() == ENOSPC), interrupted (stop).
// Whatever happens, the store holds either the whole image or nothing that a lookup can see.
Image pull(Store& store, const registry::Reference& reference, const FetchOptions& options = {});

// What its configuration says, asked of its registry: id, config, platform, created, author and history, no layers.
// Nothing comes into the store. Errors as of pull().
Image look_at(Store& store, const registry::Reference& reference, const FetchOptions& options = {});

// Adds to the hint of an error about an image which others of that repository are here: most often the
// tag or the platform is wrong. "you have busybox:latest, linux/amd64".
void hint_at_others(Error& error, const Store& store, const registry::Reference& reference);

} // namespace davit::image
