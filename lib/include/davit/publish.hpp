// Compose projects as artifacts in a registry, as `docker compose publish` stores them: loaded from there by
// `-f oci://REPOSITORY`, see davit/remote.hpp.
//
// What is published are the files as they stand, variables and all, with the files that env_file: and extends: name;
// never what a bind mount, a config's or a secret's file holds. Plain values; several threads may call at once.
#pragma once

#include "davit/engine.hpp"
#include "davit/project.hpp"

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct PublishOptions {
    // The env files are published as well, and nobody is asked about variables.
    bool with_env = false;
    std::string image_digests; // a compose file with the services' images by digest; empty: none
    std::string oci_version;   // "1.1", "1.0"; empty: 1.1, and 1.0 where the registry does not take it
    // Images that are copied from their registries beside the files: names, best with a digest.
    std::vector<std::string> images;
    bool insecure = false; // plain HTTP and unverified TLS will do for the repository's registry
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
    std::vector<std::string> images;
    bool insecure = false;
};

// Blocks on the disk. project: loaded with all profiles, of files that are here. Errors: invalid_project (a service
// without an image; one that cannot be loaded without its env_file, without with_env), unsupported (local includes,
// standard input), usage (an OCI version).
Publication prepare_publication(const Project& project, const PublishOptions& options = {});

struct PublishedProject {
    std::string name;   // canonical: "registry.example/team/app:1"
    std::string digest; // of the manifest
    std::string images; // of the index of the images that were copied, whose subject the manifest is; empty: none were
};
// copied: called after each of the images. Blocks on the network. Errors: usage (a name), not_found (an image), denied
// (login), unavailable (registry), interrupted.
PublishedProject publish(const Publication& publication, const std::string& repository, std::stop_token stop = {},
                         const std::function<void(const std::string& image)>& copied = {});

} // namespace davit
#pragma GCC visibility pop
