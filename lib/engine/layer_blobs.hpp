// How blobs are made of layers that stand only as directories.
#pragma once

#include "image/layer_blobs.hpp"

namespace davit {

image::BlobMaker layer_blobs();

} // namespace davit
