// Builds by Engine::build() that have ended: what was asked for, how it went, and what it told while it ran. The last
// fifty are kept. What Scope::build() and up() build, and checks, leave no record. User and password of URLs are
// "xxxxx".
//
// Calls block on the disk; several threads and processes may call at once. Times are ns since the epoch.
// Errors: denied (not root, not our directory), failed (the disk), not_found (no such record).
#pragma once

#include "davit/build.hpp"
#include "davit/engine.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct BuildRecord {
    enum class Status { completed, error, canceled };
    std::string id;                          // 25 letters and digits
    std::string context, dockerfile, target; // as they were given, but for passwords
    std::string directory;                   // the context's, whole; empty: it was none of this machine
    std::vector<std::string> platforms, tags;
    std::vector<std::pair<std::string, std::string>> args, labels;
    std::int64_t created = 0, completed = 0;
    Status status = Status::completed;
    std::string error;
    int steps = 0, done = 0, cached = 0; // cached ones are done, too
    std::string manifest_digest, manifest_type;
};

std::vector<BuildRecord> build_records(Engine& engine); // newest first
// What the build told, in its order; of much that its steps wrote, the beginning.
void replay_build(Engine& engine, const std::string& id, const BuildSink& sink);
void remove_build_record(Engine& engine, const std::string& id);

} // namespace davit
#pragma GCC visibility pop
