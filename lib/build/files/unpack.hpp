// ADD of an archive: a tar, plain or compressed, into a directory of an image.
#pragma once

#include "build/files/hash_cache.hpp"
#include "build/files/owner_mode.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>

namespace davit::build {

struct UnpackOptions {
    std::optional<Owner> owner; // of everything, instead of the archive's
    std::stop_token stop;
};

// Whether the file, told by its contents, is a tar or a compressed one. Seekable; stands where it stood.
bool is_archive(int fd);

// The time of the file in the archive that is the youngest, seconds since 1970; nullopt: it has none, or is no archive.
// Reads all of it; a stop ends that: Errc::interrupted.
std::optional<std::int64_t> youngest_file(int fd, const std::stop_token& stop);

// Paths and links are meant inside `directory`; one that leads out of it by ".." is Error(denied). What is in
// the way is replaced, but directories are kept and take the entry's mode and owner. Returns the digest of the
// file's bytes.
FileDigest unpack_archive(int fd, int directory, const UnpackOptions& options);

} // namespace davit::build
