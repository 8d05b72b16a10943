// The tars of layers that builds have made.
#pragma once

#include "image/layer_blobs.hpp"

namespace davit::build {

// For image::save() and image::push(): the bytes that those layers' digests are of.
image::BlobMaker layer_blobs();

} // namespace davit::build
