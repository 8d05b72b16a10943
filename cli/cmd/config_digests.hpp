// Images by digest, for `davit config --resolve-image-digests` and `--lock-image-digests`.
#pragma once

#include "davit/load.hpp"
#include "yaml/tree.hpp"

#include <string>

namespace davit::cli {

// Replaces every image by name:tag@digest, as their registries have it now. Asks several at once. Blocks on
// the network; what cannot be looked up is thrown, all of it.
void pin_images(Project& project);
// The same in a file whose variables stand as they are written.
void pin_images(yaml::Tree& tree, yaml::Node& root);
// Drops all but the images of services.
void keep_images(yaml::Node& root);
// The services with nothing but their images: an override file that holds them at what they are.
std::string render_images(const Project& project, RenderFormat format);

} // namespace davit::cli
