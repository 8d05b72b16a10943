// Where user names and passwords for registries come from.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace davit::registry {

struct Credentials {
    std::string username;
    std::string password;
    std::string identity_token; // OAuth2 refresh token; excludes the two above
};

// Asked with the registry's domain ("docker.io", "localhost:5000") and the repository's path.
// nullopt: go on without. An error it throws ends the pull. A stop ends its waiting: Errc::interrupted.
using CredentialSource = std::function<std::optional<Credentials>(const std::string& domain, const std::string& path,
                                                                  const std::stop_token& stop)>;

// DOCKER_AUTH_CONFIG; $DOCKER_CONFIG or ~/.docker (credHelpers, credsStore, auths); then podman's
// REGISTRY_AUTH_FILE and auth.json files. Runs docker-credential-* helpers: blocks on them.
std::optional<Credentials> default_credentials(const std::string& domain, const std::string& path,
                                               const std::stop_token& stop);

} // namespace davit::registry
