// develop.watch: changed files reach running containers.
//
// Rules are those of the compose file: sync, rebuild, restart, sync+restart, sync+exec, with include and ignore in
// .dockerignore's syntax, relative to the rule's path. The build context's .dockerignore, .git and what editors write
// beside a file count as ignored. Files are written through the container's own mounts: it needs neither tar nor a
// shell. A container that is made anew gets what was synced to the one before.
#pragma once

#include "davit/engine.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct WatchOptions {
    std::vector<std::string> services; // names; empty: all
    bool prune = true;                 // images that a rebuild has left without a name are removed
    // Loads the project anew when a file of its configuration has changed; nothing, or an Error: the present one stays.
    // Empty: changes of the configuration are not looked at.
    std::function<std::optional<Project>()> reload;
    // With reload: what is brought up then. Absent: only the rules are taken anew.
    std::optional<UpOptions> up;
};

struct WatchEvent {
    enum class Kind {
        enabled,       // changes are seen from now on; service is empty
        syncing,       // changes: how many files
        synced,        // milliseconds: how long it took
        rebuilding,    //
        rebuilt,       // and made anew from the image
        restarting,    //
        restarted,     //
        hook_output,   // text: what an exec hook wrote, as it came; container
        reconfiguring, // the compose file or one that belongs to it has changed; service is empty
        reconfigured,  // its rules count from now on
        warning,       // text
        failed,        // text; what was there stays, and watching goes on
    };
    Kind kind{};
    std::string service, container, text;
    std::size_t changes = 0;
    std::int64_t milliseconds = 0;
};
using WatchSink = std::function<void(const WatchEvent&)>;

// Whether any of these services (all when empty) has rules.
bool has_watch_rules(const Project& project, const std::vector<std::string>& services = {});

// Blocks until stop is requested. Containers need not be there yet. sink is called from several threads, never by two
// at once. Failures of what the rules do are events; thrown are: not_found (no such service), usage (no service has
// rules), invalid_project (a malformed pattern, a rebuild without `build`), failed (too few inotify watches: names the
// sysctl).
void watch(Engine& engine, const Project& project, const WatchOptions& options, const WatchSink& sink,
           std::stop_token stop);

} // namespace davit
#pragma GCC visibility pop
