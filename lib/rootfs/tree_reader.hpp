// Directory trees → tar.
#pragma once

#include "archive/tar_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace davit::rootfs {

struct ReadOptions {
    bool overlay_marks = false;     // the tree is an overlay's upper directory: its marks become a layer's whiteouts
    bool only_capabilities = false; // of extended attributes: what Docker keeps in the layers that it builds
    bool contents_only = false;     // a directory's entries without itself
    std::size_t max_path = 32768;   // longer ones are an error: each level costs the paths of all below it
    std::function<void(const std::string&)> left_out; // told once which sockets were
    std::optional<std::int64_t> modified;             // the time of all entries, seconds since 1970
};

// The file `name` in `directory` (an open directory), under the name `as` in the tar; a directory with
// all below. Symbolic links are archived, never followed; sockets are left out, and so is what the
// kernel's own file systems (proc, sysfs, cgroup …) show; asked for by its own name a socket is an error
// (Errc::unsupported) and such a file is read to its end, whatever size the kernel gives it. A file that
// shrinks meanwhile is filled up with zeros, of one that grows only what it had is taken.
void read_tree(int directory, const std::string& name, const std::string& as, archive::TarStream& to,
               const ReadOptions& options = {});

} // namespace davit::rootfs
