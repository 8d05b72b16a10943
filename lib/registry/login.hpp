// Logging in to registries: what is asked, and where user names and passwords are kept.
#pragma once

#include "registry/credentials.hpp"
#include "registry/options.hpp"

#include <string>

namespace davit::registry {

// Whether the registry takes them, asked of it. Errors: denied, unavailable, not_found (no registry there).
void check_login(const std::string& domain, const Credentials& credentials, const RegistryOptions& options);

struct KeptLogin {
    std::string place;      // the file, or the helper's program
    bool plain_text = true; // readable by whoever reads the file
};

// $DOCKER_CONFIG/config.json, else ~/.docker/config.json.
std::string docker_config_file();
// As docker login: by the helper that the file names for the registry, else in the file. What else the file holds
// stays; it appears whole, 0600, its owner kept, and through a symbolic link. The helper blocks.
KeptLogin keep_login(const std::string& config_file, const std::string& domain, const Credentials& credentials,
                     const std::stop_token& stop = {});
// False when nothing was kept for it.
bool forget_login(const std::string& config_file, const std::string& domain, const std::stop_token& stop = {});

} // namespace davit::registry
