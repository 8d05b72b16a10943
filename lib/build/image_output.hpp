// The images of a build as the store keeps them: configurations, manifests, the index over them, what attests to them.
#pragma once

#include "build/image_form.hpp"
#include "build/outputs.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::build {

struct StoredImages {
    std::vector<image::Image> images;  // of each platform
    std::optional<image::Index> index; // of several, or of one and its provenance
    Annotations descriptor;            // for where the whole is listed
};

// names: that the images will have, for their provenance. Errc::usage: annotations of an index that there is not.
StoredImages store_images(Session& session, const std::vector<Built>& built, const BuildOutput& output,
                          const std::vector<std::string>& names);
// Digest, size and media type of the whole.
void describe(const Session& session, const StoredImages& stored, BuildResult& result);

} // namespace davit::build
