// Logging in to registries, with Docker's files and credential helpers: who logs in here may pull and push with davit,
// docker and podman.
//
// Calls block on the network, the disk and helpers, which a stop kills; several threads may call at once. No engine is
// needed. A registry is "host[:port]"; a scheme and a
// path are left out, and nothing is Docker Hub.
#pragma once

#include "davit/error.hpp"
#include "davit/image.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// "" → "docker.io", "https://host:5000/v2/" → "host:5000". Errc::usage: neither.
std::string registry_name(const std::string& text);

struct LoginRequest {
    std::string registry, user, password;
};
struct KeptLogin {
    std::string place;      // the file, or the helper's program
    bool plain_text = true; // whoever reads the file knows the password
};
// Asks the registry whether it takes them, then keeps them: by the helper that $DOCKER_CONFIG/config.json (or
// ~/.docker/config.json) names for it, else in that file. Errors: denied (it takes them not, or the helper fails),
// unavailable, not_found (no registry there, no such helper), interrupted.
KeptLogin login(const LoginRequest& request, std::stop_token stop = {});
// Asks it whether it takes what is kept already; the user's name, or nothing when none is kept. Errors as login().
std::optional<std::string> check_kept_login(const std::string& registry, std::stop_token stop = {});
// False: none was kept. Errors: denied, not_found (the helper), failed, interrupted.
bool logout(const std::string& registry, std::stop_token stop = {});

// What a registry has under an image's name, as it stands there: nothing is brought to this machine.
struct RemoteManifest {
    std::string bytes; // JSON: a manifest, or an index of several platforms'
    std::string digest, media_type;
};
// insecure: plain HTTP and unverified TLS will do. Errors: usage (no name), as pull_image().
RemoteManifest remote_manifest(const std::string& image, bool insecure = false, std::stop_token stop = {});

// Of a manifest that is no index: what its configuration says. Reads that from the registry. Errors as above.
image::Platform remote_platform(const std::string& image, const RemoteManifest& manifest, bool insecure = false,
                                std::stop_token stop = {});

// Of a manifest that is no index: its configuration, JSON. Errors as above.
std::string remote_config(const std::string& image, const RemoteManifest& manifest, bool insecure = false,
                          std::stop_token stop = {});

struct RemoteList {
    std::string name;                 // "registry:5000/app:1": a tag
    std::string bytes, media_type;    // an index, or the one manifest that the tag is to name
    std::vector<std::string> sources; // "registry:5000/app-arm64@sha256:…" of what it lists, wherever that is
};
// Brings what the list names into its repository, blobs included (mounted where the registry can), and then the list;
// its digest. Errors: usage (a name with a digest), as push_image().
std::string push_list(const RemoteList& list, bool insecure = false, std::stop_token stop = {});

struct FoundRepository {
    std::string name, description;
    int stars = 0;
    bool official = false, automated = false;
};
// Asks Docker Hub, or the registry that the term begins with ("host:5000/app"), for repositories. Errors: usage (no
// term), unavailable, denied, not_found (that registry has no search), interrupted.
std::vector<FoundRepository> search_repositories(const std::string& term, int limit = 25, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
