// A container's changes as one more layer on its image.
#pragma once

#include "davit/files.hpp"
#include "image/store.hpp"
#include "runtime/spec.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace davit::rootfs {

// What the image has of its container beside the specification.
struct CommittedOf {
    Labels labels;                   // besides those of its base
    std::vector<std::string> expose; // "80/tcp"
};

// The image's configuration with what the container was started with and the changes; `diff_id` is the
// new layer. Pure. Throws Error(usage) naming the change that is none.
std::string committed_config(const std::string& config_json, const runtime::Spec& spec, const CommitOptions& options,
                             const CommittedOf& container, const std::string& diff_id, const std::string& now);

// Reads the writable layer as it stands: pause the container for a consistent picture.
// Throws Error(unsupported) when its root is no overlay.
image::Image commit(image::Store& store, const image::Image& base, const runtime::Spec& spec,
                    const CommitOptions& options, const CommittedOf& container, const std::stop_token& stop);

} // namespace davit::rootfs
