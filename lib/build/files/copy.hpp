// COPY, and ADD of what is local: from an open directory into the root of a mounted image.
#pragma once

#include "build/files/hash_cache.hpp"
#include "build/files/source.hpp"
#include "dockerfile/steps.hpp"

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::build {

// What a URL or a git repository of ADD became, see fetch.hpp.
struct RemoteFiles {
    Source source;       // its root is the caller's
    std::string path;    // of the file in source; empty: all of it
    std::string key;     // what it is known by: the digest of its bytes, or the commit
    bool archive = true; // false: a repository, never unpacked
    // Set where only the key is known: brings source, and the key that it has by now. Throws as RemoteSources.
    std::function<void()> fetch = {};
};

struct CopyOptions {
    dockerfile::Place place; // of the instruction: errors name it
    FilterMaker make_filter; // of --exclude; not asked without
    HashCache* hashes = nullptr;
    // Of ADD: null for a source that is a path.
    std::function<const RemoteFiles*(const std::string& written)> remote;
    std::stop_token stop;
    std::string asked_by = {};             // for messages, in the place of COPY or ADD
    std::optional<timespec> modified = {}; // of all that is made; else as in the source
    bool literal = false;                  // sources are names: nothing in them is a wildcard
    bool keep_top = false;                 // the directory that is copied to keeps its time
    bool block_devices = true;             // false: they become character devices, as COPY of BuildKit makes them
};

struct CopyResult {
    std::string digest; // content_digest() of exactly what was copied
    std::uint64_t files = 0, bytes = 0;
    std::vector<std::string> warnings;
};

// destination_root: the root of a mounted image (--link: of an empty one). Links on the way to the destination
// are followed inside it. Blocks. Throws Error with the instruction's place: not_found for a source that is
// not there, conflict where a directory would take a file's place or the other way round, usage for a
// malformed pattern, mode or owner. What was copied before stays: the caller throws the layer away.
CopyResult copy(const Source& source, const dockerfile::CopyStep& step, int destination_root,
                const CopyOptions& options);

// "sha256:…" over what copy() would take; inline files count with their names and contents. Where a
// wildcard matches nothing that is one more value. Throws as copy() does.
std::string content_digest(const Source& source, const dockerfile::CopyStep& step, const CopyOptions& options);

} // namespace davit::build
