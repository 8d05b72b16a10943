#include "build/layer_blobs.hpp"

#include "build/files/layer.hpp"

namespace davit::build {

image::BlobMaker layer_blobs() {
    return [](const image::Layer&, int directory, const image::TarSink& sink) { write_layer_tar(directory, sink); };
}

} // namespace davit::build
