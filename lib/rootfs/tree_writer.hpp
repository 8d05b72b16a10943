// Tar → an existing directory tree.
#pragma once

#include "archive/byte_source.hpp"
#include "base/fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>

namespace davit::rootfs {

struct WriteOptions {
    int root = -1;             // paths are resolved below this directory …
    std::uint64_t resolve = 0; // … with these RESOLVE_ flags of openat2(2)
    std::string directory;     // where the tar's entries go, below root
    bool owners = true;        // false: everything belongs to the caller
    // Whom everything belongs to, whatever the tar says, directories made on the way too.
    std::optional<std::pair<uid_t, gid_t>> owner;
    bool over_mounts = true;    // false: a file that is a mount point is an error
    bool through_links = false; // a directory is also made where a link leads that leads nowhere; root is "/"
    bool over_devices = false;  // true: what is no device takes a device's place
    bool special = true;        // false: no device nodes, and no file keeps setuid or setgid bits …
    std::function<void(const std::string&)> warning; // … which is said here, once for each
};

// What stands where an entry goes is replaced, except that a directory stays and gets the entry's mode
// and owner, and a file that is a mount point, in whatever mount namespace root is, gets the contents.
// Throws Error(conflict) for a directory in a file's place or the other way round, for anything but a device
// in a device's (over_devices: not then), for what somebody replaces meanwhile, and what the file system says (EROFS
// …).
void write_tree(archive::ByteSource& tar, const WriteOptions& options);

struct SmallFile {
    std::string path, content;
    mode_t mode = 0644;
    uid_t uid = 0;
    gid_t gid = 0;
};
// One file in a container, written as docker's copy would: below links as the container follows them,
// with the directories that are missing, in place of what is there. A mount point is an error.
void write_file(int root, const SmallFile& file);

} // namespace davit::rootfs
