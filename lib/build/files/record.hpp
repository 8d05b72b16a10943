// The content key of what COPY and ADD take: one hash over names, types, modes, owners, sizes, link
// targets, devices, extended attributes and contents; no times, no inodes.
#pragma once

#include "base/hash.hpp"
#include "build/files/hash_cache.hpp"
#include "build/files/tree_walk.hpp"

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace davit::build {

class ContentRecord {
public:
    ContentRecord();
    // What follows is of this source: the name it has at the destination, "" for a directory's contents.
    void source(std::string_view name);
    // A remote source: what it is known by.
    void remote(std::string_view key);
    // link: of a symbolic link; contents: of a regular file. context: owners and sockets as Source says.
    void entry(std::string_view path, const struct stat& status, bool context, const Xattrs& xattrs,
               std::string_view link = {}, const FileDigest* contents = nullptr);
    std::string hex() { return "sha256:" + hash_.hex(); } // ends it

private:
    void number(std::uint64_t value);
    void text(std::string_view value);
    Hasher hash_;
};

} // namespace davit::build
