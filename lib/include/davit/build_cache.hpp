// What builds have left for later ones: the results of steps, cache mounts, and what servers told of files by URL.
//
// Calls block on the disk; several threads and processes may call at once. Sizes are bytes, times ns since the epoch.
// Errors: denied (not root, not our directory), failed (the disk), interrupted: a stop ends a call between two entries,
// and the bytes of those that are gone by then are free after the next prune.
#pragma once

#include "davit/engine.hpp"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct BuildCacheEntry {
    std::string id;          // 64 hex digits; of a cache mount 32 and maybe ".N"
    std::string description; // "RUN make"; "cache mount"; the URL
    bool mount = false;
    bool url = false; // how the file there is told from a later one; the file itself stands in a step's result
    std::uint64_t size = 0;
    std::int64_t last_used = 0;
    bool shared = false; // an image has the files too: they stay when the entry goes
    bool in_use = false; // by a build that runs: it is not pruned
};
std::vector<BuildCacheEntry> build_cache(Engine& engine, std::stop_token stop = {}); // least recently used first

struct PruneBuildCacheOptions {
    bool all = false;                         // not only what no image has
    std::optional<std::int64_t> unused_since; // only what was not used since then
    std::uint64_t keep = 0;                   // the most recently used entries of together this size stay
};
struct PrunedBuildCache {
    std::vector<BuildCacheEntry> removed;
    std::uint64_t bytes = 0; // of them that are free now
};
PrunedBuildCache prune_build_cache(Engine& engine, const PruneBuildCacheOptions& options = {},
                                   std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
