// Images by digest, for `davit config --resolve-image-digests` and `--lock-image-digests`.
#pragma once

#include "davit/merged.hpp"

namespace davit::cli {

// Replaces every image by name:tag@digest, as their registries have it now. Asks several at once. Blocks on
// the network; what cannot be looked up is thrown, all of it.
void pin_images(Project& project);
// The same in a file whose variables stand as they are written.
void pin_images(MergedFiles& files);

} // namespace davit::cli
