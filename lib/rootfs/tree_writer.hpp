// Tar → an existing directory tree.
#pragma once

#include "base/fd.hpp"
#include "image/byte_source.hpp"

#include <cstdint>
#include <string>

namespace davit::rootfs {

struct WriteOptions {
    int root = -1;              // paths are resolved below this directory …
    std::uint64_t resolve = 0;  // … with these RESOLVE_ flags of openat2(2)
    std::string directory;      // where the tar's entries go, below root
    bool owners = true;         // false: everything belongs to the caller
};

// What stands where an entry goes is replaced, except that a directory stays and gets the entry's mode
// and owner; a file that cannot be removed (a mount point) is written over. Throws Error(conflict) for
// a directory in a file's place or the other way round, and what the file system says (EROFS …).
void write_tree(image::ByteSource& tar, const WriteOptions& options);

} // namespace davit::rootfs
