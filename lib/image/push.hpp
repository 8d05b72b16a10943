// An image of the store, on its way to a registry.
#pragma once

#include "davit/error.hpp"
#include "image/layer_blobs.hpp"
#include "image/store.hpp"
#include "registry/options.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace davit::image {

struct PushProgress {
    // preparing: its blob is being made; skipped: it may not be distributed.
    enum class Stage { waiting, preparing, pushing, present, mounted, pushed, skipped };
    std::string layer; // its diffID
    Stage stage = Stage::waiting;
    std::uint64_t current = 0, total = 0; // bytes
    std::string from;                     // mounted: the repository that had it
};

// Sums the progress of an image's layers, for one line of display. Thread-compatible.
class PushTotals {
public:
    void add(const PushProgress& progress);
    std::uint64_t current() const { return current_; }
    std::uint64_t total() const { return total_; }
    const std::string& text() const { return text_; } // "3 of 5 layers"

private:
    struct Layer {
        std::uint64_t current = 0, total = 0;
        bool done = false;
    };
    std::map<std::string, Layer> layers_;
    std::uint64_t current_ = 0, total_ = 0;
    std::string text_;
};

struct PushOptions : registry::RegistryOptions {
    std::string platform; // the image must be for it; empty: all platforms of the name
    int max_parallel = 0; // layers at once; 0: 5
    BlobMaker blobs;      // for layers without a blob; without it they are Errc::failed
    // Called from several threads, never at the same time.
    std::function<void(const PushProgress&)> progress;
};

struct Pushed {
    std::string digest;     // of the manifest, or the index
    std::uint64_t size = 0; // its bytes
};

// Layers, then the configuration, then the manifest, under the reference's tag; the manifest's digest is a name of the
// image from then on. Of a name of several platforms all that are here, and then the index, of which what is not here
// is left out. What the registry has is not sent. Errors, "failed to push REF: …": not_found (no such image, no such
// repository), denied (credentials), unavailable (registry), unsupported (it takes no pushes), usage (a digest), failed
// (a layer's files have changed), interrupted.
Pushed push(Store& store, const registry::Reference& reference, const PushOptions& options = {});

} // namespace davit::image
