// How registries are reached.
#pragma once

#include "registry/credentials.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::registry {

struct RegistryOptions {
    CredentialSource credentials = default_credentials;
    std::vector<std::string> insecure_registries; // "host[:port]": plain HTTP or unverified TLS allowed
    std::vector<std::string> mirrors;             // URLs tried first for docker.io
    int max_attempts = 5;                         // per request, without progress in between
    std::chrono::seconds stall_timeout{30};       // without a byte, before a connection counts as broken
    // Called with texts a user should see (registry's Warning header, platform mismatch).
    std::function<void(const std::string&)> warning;
    std::stop_token stop;
};

// Reads /etc/docker/daemon.json and /etc/davit/daemon.json ("insecure-registries", "registry-mirrors")
// and the environment's DAVIT_REGISTRY_TIMEOUT (seconds).
void read_daemon_config(RegistryOptions& options);

} // namespace davit::registry
