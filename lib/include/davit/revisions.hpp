// The history of projects: each `up` or `create` that changed something is a numbered revision that never changes, with
// the project as it was resolved, the images by id, and the contents of its configs and secrets by keyed hash.
// Engine::rollback() brings one back. A history outlives `down`; `down` with its volumes removes it.
//
// The images and contents of the last revisions (DAVIT_REVISIONS, 5 unless set) are kept: `image prune` leaves them.
// Older ones stay in the list, up to 100; what they need may be gone. Calls block on the disk; several threads and
// processes may call at once. `project` is its name.
#pragma once

#include "davit/engine.hpp"
#include "davit/image.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct RevisionImage {
    std::string service;   // empty: of a hook or a mount
    std::string reference; // as the file has it
    std::string id;        // sha256:…
    std::string digest;    // "redis@sha256:…" where it came from a registry
    bool operator==(const RevisionImage&) const = default;
};

// Of a config or a secret. What is a file of the user's is not kept: its hash tells whether it has changed.
struct RevisionContent {
    enum class Kind { config, secret };
    Kind kind = Kind::config;
    std::string key;         // below `configs:` or `secrets:`
    std::string hash;        // keyed: useless to whoever has not the machine's key
    std::uint64_t size = 0;  // bytes
    std::string environment; // the variable that it came from; empty: written in the compose file
    std::string file;        // its path, where it is a file
    bool operator==(const RevisionContent&) const = default;
};

struct Revision {
    int format = 1;
    std::string project;
    int number = 0; // from 1
    std::int64_t created = 0;
    std::string command;              // "up", "create", "rollback to 3"
    std::vector<std::string> changes; // as to_summary(), a line each
    int keep = 0;                     // how many revisions the history kept then
    std::string working_dir;
    std::vector<std::string> config_files;
    std::map<std::string, int> scale; // what the command said
    std::vector<RevisionImage> images;
    std::vector<RevisionContent> contents;
    std::string model;  // as render() in JSON; contents are named by their hash. Only from revision()
    std::string failed; // why not all of it came about; empty: it did
    bool operator==(const Revision&) const = default;
};

// The oldest first, without their models. What cannot be read is left out.
std::vector<Revision> revisions(Engine& engine, const std::string& project);
// Errors: not_found.
Revision revision(Engine& engine, const std::string& project, int number);
// Projects that have a history, running or not.
std::vector<std::string> projects_with_history(Engine& engine);
// How many of the last revisions are kept whole.
int kept_revisions(Engine& engine, const std::string& project);

// The key of the hashes by which this machine names contents; made where there is none yet. It never leaves the
// machine. state_dir: as EngineOptions has it.
std::string machine_hash_key(const std::string& state_dir = {});

// What a rollback needs and this machine lacks: one sentence each.
struct MissingPart {
    std::string text; // "the image web:1 (0123456789ab) is gone"
    std::string hint; // "davit image pull web@sha256:…"; may be empty
};
std::vector<MissingPart> missing_parts(Engine& engine, const Revision& revision);
// Where a rollback leads: `to`, or without it (0) the last one that came about before what runs, and is not the same;
// when nothing of the project is there (after `down`), the last one. Errors: not_found.
int rollback_target(Engine& engine, const std::string& project, int to = 0);

// What differs between two revisions: an attribute of a service, network, volume, config or secret.
struct RevisionChange {
    std::string section; // "service", "network", "volume", "config", "secret"
    std::string name;
    std::string attribute;                  // "environment MODE", "image id"
    std::vector<std::string> before, after; // JSON values, one a line; empty: it is not there
    bool hidden = false;                    // the values may be secrets and are not shown
    bool operator==(const RevisionChange&) const = default;
};
std::vector<RevisionChange> changes_between(const Revision& from, const Revision& to);

// What Engine::prune_revisions() would remove: numbers.
std::vector<int> prunable_revisions(Engine& engine, const std::string& project,
                                    const PruneRevisionsOptions& options = {});

// What histories take: records, contents, and images that have no name and no container and are kept for them alone.
struct RevisionUse {
    std::string project;
    std::size_t revisions = 0;
    bool active = false; // the project has containers
    std::uint64_t records = 0, contents = 0, images = 0;
};
std::vector<RevisionUse> revision_use(Engine& engine);
// "revision 3 of project shop", for each kept revision that needs the image.
std::vector<std::string> revisions_with(Engine& engine, const image::Image& image);

} // namespace davit
#pragma GCC visibility pop
