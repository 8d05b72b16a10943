// What changed files mean to a service: which rules of its develop.watch they trigger, and what is to be done; pure.
#pragma once

#include "davit/service.hpp"
#include "dockerfile/ignore.hpp"

#include <compare>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace davit {

// The .dockerignore of a service's build context; nothing when it is built from elsewhere or not at all.
struct ContextIgnore {
    std::string directory; // absolute
    std::vector<std::string> patterns;
};

// A file or directory of this machine and its place in the container. It is written there, or removed when it is no
// longer here.
struct WatchCopy {
    std::string host, target; // both absolute, without a slash at the end
    bool whole = false;       // the rule's own path: what only the container has below it stays
    bool into = false;        // written "target: /app/": a file goes into it, under its own name
    auto operator<=>(const WatchCopy&) const = default;
};

// In the order in which it is done.
struct WatchSteps {
    bool rebuild = false;
    std::vector<WatchCopy> sync;
    bool restart = false;
    std::vector<std::size_t> exec; // rules whose hook runs, once
    bool empty() const { return !rebuild && sync.empty() && !restart && exec.empty(); }
};

class WatchRules {
public:
    // Throws Errc::invalid_project: a malformed pattern, a rebuild of what has no `build`.
    explicit WatchRules(const Service& service, const ContextIgnore& context = {});

    bool empty() const { return rules_.empty(); }
    std::vector<std::string> paths() const; // of the rules
    // What is said once, of rules that have no effect.
    const std::vector<std::string>& warnings() const { return warnings_; }

    // Whether anything in this directory can trigger a rule. Else it need not be entered.
    bool enters(const std::string& directory) const;
    WatchSteps plan(const std::set<std::string>& changed) const;
    // Of files that are there: those that rules with initial_sync bring to a new session's containers.
    std::vector<WatchCopy> initial(const std::set<std::string>& files) const;
    // The paths of the rules with initial_sync.
    std::vector<std::string> initial_paths() const;

private:
    struct Rule {
        std::size_t index = 0; // in develop.watch
        std::string path, target;
        bool target_is_directory = false;
        bool rebuild = false, sync = false, restart = false, exec = false, initial = false;
        dockerfile::IgnoreList include, ignore;
    };
    bool triggers(const Rule& rule, const std::string& path) const;
    bool syncs(const Rule& rule, const std::string& path) const;
    bool ignored(const dockerfile::IgnoreList& list, const std::string& below, bool prune) const;
    bool left_out(const Rule& rule, const std::string& path, bool prune) const;
    static WatchCopy copy_of(const Rule& rule, const std::string& path);

    std::vector<Rule> rules_;
    std::vector<std::string> binds_; // bind mounts' sources
    std::string context_;
    dockerfile::IgnoreList context_ignore_;
    std::vector<std::string> warnings_;
};

// `path` below `directory`, without a slash at its beginning: "" for the directory itself.
bool is_below(const std::string& path, const std::string& directory); // or the same
std::string path_below(const std::string& path, const std::string& directory);

// Names that never mean anything: .git, and what editors write beside the file they save.
bool is_editors_own(const std::string& name);

} // namespace davit
