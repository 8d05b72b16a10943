// Compose projects as artifacts in a registry, as `docker compose publish` stores them: loaded from there by
// `-f oci://REPOSITORY`, see davit/remote.hpp.
//
// What is published are the files as they stand, variables and all, with the files that env_file: and extends: name;
// never what a bind mount, a config or a secret holds. Plain values; several threads may call at once.
#pragma once

#include "davit/engine.hpp"
#include "davit/project.hpp"

#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct PublishOptions {
    bool with_env = false; // environment variables and env files are published: refused without, where there are any
    std::string image_digests; // a compose file with the services' images by digest; empty: none
    std::string oci_version;   // "1.1", "1.0"; empty: 1.1, and 1.0 where the registry does not take it
};

struct PublishedFile {
    enum class Kind { compose, extended, env_file };
    Kind kind = Kind::compose;
    std::string name; // in the artifact
    std::string bytes;
};

struct Publication {
    std::vector<PublishedFile> files; // compose files in their order
    // What somebody has to agree to before it is given away: each a text that ends in a question.
    std::vector<std::string> questions;
    std::string oci_version;
};

// Blocks on the disk. project: loaded with all profiles, of files that are here. Errors: invalid_project (a service
// without an image, environment without with_env), unsupported (local includes, standard input), usage (an OCI
// version).
Publication prepare_publication(const Project& project, const PublishOptions& options = {});

struct PublishedProject {
    std::string name;   // canonical: "registry.example/team/app:1"
    std::string digest; // of the manifest
};
// Blocks on the network. Errors: usage (the name), denied (login), unavailable (registry), interrupted.
PublishedProject publish(const Publication& publication, const std::string& repository, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
