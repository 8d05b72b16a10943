// A container's health as `docker inspect` shows it.
#pragma once

#include "davit/container.hpp"

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace davit::cli {

// State.Health; null for a container that has no healthcheck, or was not checked yet.
nlohmann::ordered_json health_json(const ContainerInfo& container, const std::vector<HealthCheckResult>& log);

} // namespace davit::cli
