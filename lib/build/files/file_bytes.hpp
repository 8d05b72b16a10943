// The bytes of one file, hashed and, where asked for, copied.
#pragma once

#include "base/fd.hpp"
#include "build/files/hash_cache.hpp"

#include <sys/stat.h>

namespace davit::build {

// O_PATH in, O_RDONLY out. status is that of the O_PATH descriptor: a regular file.
UniqueFd open_bytes(int path_fd);

// from: open for reading, at its start; to: an empty file, open for reading and writing. status: of from,
// before; its st_size becomes what was copied. The digest is that of exactly the bytes that are in `to`
// afterwards, whoever writes to `from` meanwhile; cache may be null.
FileDigest copy_bytes(int from, int to, struct stat& status, HashCache* cache);

// The digest of a file that nobody need open where the cache knows it.
FileDigest hash_bytes(int path_fd, struct stat& status, HashCache* cache);

} // namespace davit::build
