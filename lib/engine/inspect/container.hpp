// A container as `docker inspect` prints it: every key, in its order. Pure.
#pragma once

#include "davit/container.hpp"
#include "davit/image.hpp"
#include "project/record.hpp"
#include "registry/descriptor.hpp"
#include "runtime/spec.hpp"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace davit::documents {

// What is known of it, from the places where it stands.
struct Inspected {
    ContainerInfo info;
    ContainerRecord record;
    ContainerStatus status;
    std::vector<HealthCheckResult> checks;
    std::optional<runtime::Spec> spec;             // its bundle
    std::optional<image::Config> image;            // of the image it was made from
    std::optional<registry::Descriptor> manifest;  // of that image
    std::map<std::string, NetworkRecord> networks; // by name
    std::map<std::string, std::string> volumes;    // name → directory
    std::string directory;                         // its files below the state root
    std::string request;                           // BuiltContainer::request; empty: made by an older davit
};

nlohmann::ordered_json container(const Inspected& of);
// Its member HostConfig, over which the caller lays what was asked for.
nlohmann::ordered_json host_config(const Inspected& of);
// Its member State.Health; null for a container that has no healthcheck, or was not checked yet.
nlohmann::ordered_json health(const ContainerInfo& container, const std::vector<HealthCheckResult>& log);

} // namespace davit::documents
