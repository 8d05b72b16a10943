// Bake files: several builds in one file, as `docker buildx bake` reads them: HCL, or JSON of the same structure. Pure:
// texts in, builds out. Thread-safe.
#pragma once

#include "davit/error.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct BakeFile {
    std::string name; // for messages; .json is JSON
    std::string text;
};

// One build, with the words of `docker buildx build`'s options.
struct BakeTarget {
    std::string name, description;
    std::string context = ".", dockerfile;
    std::optional<std::string> dockerfile_inline, target, network, shm_size, call;
    std::vector<std::pair<std::string, std::optional<std::string>>> args; // no value: of the environment
    std::vector<std::pair<std::string, std::string>> labels, contexts, extra_hosts;
    std::vector<std::string> tags, platforms, outputs, secrets, ssh, cache_from, cache_to, ulimits, entitlements,
        no_cache_filter, annotations, attests;
    std::optional<bool> no_cache, pull;
    bool operator==(const BakeTarget&) const = default;
};

struct BakeOptions {
    std::vector<BakeFile> files;          // the later ones win
    std::vector<std::string> targets;     // targets and groups; empty: default
    std::vector<std::string> overrides;   // PATTERN.KEY[.NAME][+]=VALUE, as --set
    std::vector<BakeTarget> from_compose; // further targets, of compose files
    std::function<std::optional<std::string>(const std::string& variable)>
        environment;                  // what is set wins over defaults
    bool file_relative_paths = false; // contexts are meant from the directory of their file, not from the process's
    std::string local_platform;       // of this machine: the variable BAKE_LOCAL_PLATFORM
};

struct Baked {
    std::vector<BakeTarget> targets; // those that are asked for and that their contexts name, what is needed first;
                                     // outputs of those that only contexts name: type=cacheonly
    std::map<std::string, std::vector<std::string>> groups; // that were asked for, and those in them; "default": all
    std::map<std::string, std::string> group_descriptions;  // of those that have one
};

// Errors: usage, with its place (syntax, an unknown variable or function, a cycle of `inherits`, a bad override),
// not_found (no such target).
Baked bake(const BakeOptions& options);
// What `bake --print` shows.
std::string to_json(const Baked& baked);

struct BakeVariable {
    std::string name;
    std::optional<std::string> value; // lists and objects as JSON; none: it is null
    std::string description;
    std::string type = {}; // as it is declared: "string", "list of number"
};
std::vector<BakeVariable> bake_variables(const BakeOptions& options);

struct BakeName {
    std::string name, description;
    bool group = false;
    std::vector<std::string> targets = {}; // of a group
};
// All targets and groups, by name.
std::vector<BakeName> bake_names(const BakeOptions& options);

} // namespace davit
#pragma GCC visibility pop
