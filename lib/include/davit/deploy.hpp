// `deploy:` of a service. See service.hpp for the conventions: plain values, sizes in bytes.
#pragma once

#include "davit/value.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// A device request: `gpus:` and `deploy.resources.reservations.devices:`.
struct DeviceRequest {
    std::vector<std::string> capabilities;
    std::string driver;
    std::int64_t count = 0; // -1 = all
    std::vector<std::string> device_ids;
    std::map<std::string, std::string> options;
    Extensions extensions;
    bool operator==(const DeviceRequest&) const = default;
};

struct GenericResource {
    std::string kind;
    std::int64_t value = 0;
    bool discrete = true; // false: an item without discrete_resource_spec
    Extensions extensions;
    bool operator==(const GenericResource&) const = default;
};

// Limits and reservations.
struct Resources {
    double cpus = 0;                    // 0 = none
    std::int64_t memory = 0;            // bytes
    std::int64_t pids = 0;              // limits only; -1 = unlimited
    std::vector<DeviceRequest> devices; // reservations only
    std::vector<GenericResource> generic_resources;
    Extensions extensions;
    bool operator==(const Resources&) const = default;
};

struct DeployRestartPolicy {
    std::string condition; // any on-failure none; "" = any
    std::optional<std::chrono::nanoseconds> delay;
    std::optional<std::uint64_t> max_attempts;
    std::optional<std::chrono::nanoseconds> window;
    Extensions extensions;
    bool operator==(const DeployRestartPolicy&) const = default;
};

// `update_config` and `rollback_config`.
struct UpdateConfig {
    std::optional<std::uint64_t> parallelism;
    std::chrono::nanoseconds delay{0};
    std::string failure_action; // pause continue rollback
    std::chrono::nanoseconds monitor{0};
    double max_failure_ratio = 0;
    std::string order; // stop-first start-first
    Extensions extensions;
    bool operator==(const UpdateConfig&) const = default;
};

struct Placement {
    std::vector<std::string> constraints;
    struct Preference {
        std::string spread;
        Extensions extensions;
        bool operator==(const Preference&) const = default;
    };
    std::vector<Preference> preferences;
    std::uint64_t max_replicas_per_node = 0;
    Extensions extensions;
    bool operator==(const Placement&) const = default;
};

struct Deploy {
    std::string mode; // replicated global
    std::optional<int> replicas;
    std::map<std::string, std::string> labels; // of the service, not of its containers
    std::optional<UpdateConfig> update_config;
    std::optional<UpdateConfig> rollback_config;
    struct ResourcesSet {
        std::optional<Resources> limits;
        std::optional<Resources> reservations;
        Extensions extensions;
        bool operator==(const ResourcesSet&) const = default;
    };
    ResourcesSet resources;
    std::optional<DeployRestartPolicy> restart_policy; // wins over Service::restart
    Placement placement;
    std::string endpoint_mode; // vip dnsrr
    Extensions extensions;
    bool operator==(const Deploy&) const = default;
};

} // namespace davit
#pragma GCC visibility pop
