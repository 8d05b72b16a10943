// `cp` between this machine and a container, with docker's rules for where things go.
#pragma once

#include "base/fd.hpp"
#include "davit/files.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace davit::rootfs {

// A place to copy from or to: a path below a root, which may be the machine's own.
struct Place {
    int root = -1;             // open directory
    std::uint64_t resolve = 0; // RESOLVE_ flags of openat2(2) that keep paths inside
    std::string path;
    bool host = false; // files made here belong to the caller
    std::string of;    // the container, as messages name it
};
Place in_container(int root, const std::string& path, const std::string& container = {});
// Relative to the working directory.
Place on_host(const std::string& path);

// Where a copied tree goes: into `directory`, its topmost entry under `name`; an empty name: its
// contents without itself.
struct Target {
    std::string directory, name;
    bool operator==(const Target&) const = default;
};
// What stands at the destination, after symbolic links.
enum class Standing { nothing, file, directory };
// Pure. Throws Error(usage) "cannot copy directory", "no such directory".
Target target_of(const std::string& source, bool source_is_directory, const std::string& destination,
                 Standing standing);

// Throws when there is nothing at `from` or no directory to hold `to`; these three throw Error(interrupted) at a stop.
void copy(const Place& from, const Place& to, const CopyOptions& options, const std::stop_token& stop = {});
// The tree at `from` as a tar.
void copy_to_tar(const Place& from, const CopyOptions& options, int fd, const std::stop_token& stop = {});
// A tar's entries into the directory at `to`.
void copy_from_tar(int fd, const Place& to, const std::stop_token& stop = {});

} // namespace davit::rootfs
