#include "registry/options.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_read.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace davit::registry {

void read_daemon_config(RegistryOptions& options) {
    if (const char* seconds = std::getenv("DAVIT_REGISTRY_TIMEOUT"); seconds && *seconds) {
        int value = 0;
        auto [end, failure] = std::from_chars(seconds, seconds + std::strlen(seconds), value);
        if (failure != std::errc() || *end || value < 1)
            throw error(Errc::usage, "DAVIT_REGISTRY_TIMEOUT is '{}', not a number of seconds", seconds);
        options.stall_timeout = std::chrono::seconds(value);
    }
    for (const char* path : {"/etc/docker/daemon.json", "/etc/davit/daemon.json"}) {
        auto text = read_file_if_exists(path);
        if (!text) continue;
        Json json = Json::parse(*text, nullptr, false);
        if (!json.is_object()) throw error(Errc::usage, "{} is no JSON object", path);
        for (auto& host : list_of(json, "insecure-registries")) options.insecure_registries.push_back(std::move(host));
        for (auto& mirror : list_of(json, "registry-mirrors")) options.mirrors.push_back(std::move(mirror));
    }
}

} // namespace davit::registry
