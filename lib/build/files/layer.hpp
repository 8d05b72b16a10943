// The layer that a step left in an overlay's upper directory. The overlay is unmounted: nobody else
// is there any more.
#pragma once

#include "archive/tar_stream.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::build {

// What was made only to mount something on: /etc/resolv.conf, /proc, the target of a RUN --mount.
struct MountStub {
    std::string path; // absolute; a file goes if it is empty, a directory if nothing is in it
};

// Takes away what is no change: sockets, the stubs, and what is in upper just as in the layers below it,
// with the same owner, mode, attributes and contents, and but for directories the same times. lowers: their
// directories, topmost first. Directories on the way to something that stays, stay. stubs: what is inside before what
// it is in.
void normalize_layer(int upper, const std::vector<std::string>& lowers, const std::vector<MountStub>& stubs);

struct LayerFacts {
    std::string diff_id;     // "sha256:…" of the tar
    std::uint64_t size = 0;  // bytes of the tar
    std::uint64_t files = 0; // bytes of the regular files in it
};

// Its tar as it will be written, without writing it. The same directory gives the same bytes: names are
// sorted, times are whole seconds, and of extended attributes only capabilities are kept.
LayerFacts digest_layer(int upper);
// → bytes of the regular files.
std::uint64_t write_layer_tar(int upper, const archive::TarStream::Sink& sink);

} // namespace davit::build
