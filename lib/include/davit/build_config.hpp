// `build:` of a service. See service.hpp for the conventions: plain values, sizes in bytes.
#pragma once

#include "davit/service_parts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct SshKey {
    std::string id;   // "default" or a name
    std::string path; // socket or key; "" = the agent
    bool operator==(const SshKey&) const = default;
};

struct BuildConfig {
    std::string context;    // directory, URL
    std::string dockerfile; // relative to the context
    std::string dockerfile_inline;
    std::vector<std::string> entitlements;
    std::map<std::string, std::optional<std::string>> args;
    std::string provenance; // "", "true", "false", "mode=max"
    std::string sbom;
    std::vector<SshKey> ssh;
    std::map<std::string, std::string> labels;
    std::vector<std::string> cache_from;
    std::vector<std::string> cache_to;
    bool no_cache = false;
    std::vector<std::string> no_cache_filter;
    std::map<std::string, std::string> additional_contexts;
    bool pull = false;
    std::map<std::string, std::vector<std::string>> extra_hosts;
    std::string isolation;
    std::string network;
    std::string target;
    std::vector<FileReference> secrets;
    std::int64_t shm_size = 0;
    std::vector<std::string> tags;
    std::map<std::string, Ulimit> ulimits;
    std::vector<std::string> platforms;
    bool privileged = false;
    Extensions extensions;
    bool operator==(const BuildConfig&) const = default;
};

} // namespace davit
#pragma GCC visibility pop
