// Compose files that are not on this machine: git repositories and OCI artifacts.
#pragma once

#include "davit/load.hpp"

#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct RemoteOptions {
    std::string cache_dir; // fetched once per commit or digest; empty: $XDG_CACHE_HOME/davit or ~/.cache/davit
    bool git = true;
    bool oci = true;
    std::vector<std::string> insecure_registries = {}; // "host[:port]": plain HTTP or unverified TLS will do
    std::stop_token stop = {}; // ends a fetch, and with it load(); of git between two pieces of what comes
};

// For LoadOptions::resources: answers
//   https://HOST/REPO.git, git://…, ssh://…, git@HOST:REPO, github.com/…, each with [#REF[:SUBDIR]];
//   oci://IMAGE, as `docker compose publish` makes them.
// Blocks on the network. Thread-safe. Errors: not_found (repository, ref, directory without a compose
// file), denied (credentials), unavailable (no answer), usage (switched off in the options), interrupted.
ResourceLoader remote_resources(RemoteOptions options = {});

} // namespace davit
#pragma GCC visibility pop
