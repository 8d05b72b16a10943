// Images by digest, for `davit config --resolve-image-digests` and `--lock-image-digests`.
#pragma once

#include "davit/load.hpp"

#include <string>

namespace davit::cli {

// Replaces every image by name:tag@digest, as their registries have it now. Asks several at once.
void pin_images(Project& project);
// The services with nothing but their images: an override file that holds them at what they are.
std::string render_images(const Project& project, RenderFormat format);

} // namespace davit::cli
