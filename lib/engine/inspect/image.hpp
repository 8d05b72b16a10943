// What documents of images and containers say of an image's manifest.
#pragma once

#include "image/store.hpp"

namespace davit::documents {

// Of this one platform.
registry::Descriptor image_manifest(const image::Store& store, const image::Image& image);

} // namespace davit::documents
