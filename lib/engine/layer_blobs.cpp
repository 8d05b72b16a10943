#include "engine/layer_blobs.hpp"

#include "rootfs/tree_reader.hpp"

namespace davit {

image::BlobMaker layer_blobs() {
    return [](const image::Layer&, int directory, const image::TarSink& sink) {
        archive::TarStream tar(sink);
        rootfs::ReadOptions options;
        options.overlay_marks = options.contents_only = true;
        rootfs::read_tree(directory, ".", "", tar, options);
        tar.finish();
    };
}

} // namespace davit
