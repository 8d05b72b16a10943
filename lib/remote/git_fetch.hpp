// Git repositories over the network: a compose file in one becomes a local one, and whole trees for builds.
#pragma once

#include "remote/git_ref.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::remote {

// How servers are convinced. What is not given is the user's own: agent and keys of ssh, git's credential helpers.
struct GitCredentials {
    // Of a secret by its id: GIT_AUTH_TOKEN and GIT_AUTH_HEADER are for the host of the repository alone, with ".HOST"
    // behind it for that one (submodules stand elsewhere).
    std::function<std::optional<std::string>(const std::string& id)> secret = {};
    std::string ssh_agent = {}; // a socket
    // Between two pieces of what comes: Errc::interrupted.
    std::stop_token stop = {};
};

// Blocks on the network. shown: the reference as the user wrote it.
std::string fetch_from_git(const GitRef& ref, const std::string& shown, const std::string& cache,
                           const std::stop_token& stop = {});

struct GitCommit {
    std::string id;
    std::string tag; // the annotated tag's own id, where the reference is one
};
// What the reference means now. Blocks on the network.
GitCommit resolve_git(const GitRef& ref, const GitCredentials& credentials = {});

struct GitCheckout {
    std::vector<std::string> submodules; // their paths
    std::int64_t seconds = 0;            // when the commit was made, since 1970
};
// The commit's files, with .git, in a directory that does not exist yet. submodules: those too.
GitCheckout checkout_git(const GitRef& ref, const std::string& commit, const std::string& directory, bool submodules,
                         const GitCredentials& credentials = {});

} // namespace davit::remote
