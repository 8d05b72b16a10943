// Volumes and networks as docker's formatters show them. Pure.
#pragma once

#include "davit/container.hpp"

#include <nlohmann/json_fwd.hpp>

namespace davit::cli {

// What anonymous volumes are known by is among them.
Labels shown_labels(const VolumeInfo& volume);
nlohmann::json volume_row(const VolumeInfo& volume);
const nlohmann::json& volume_headers();
nlohmann::json network_row(const NetworkInfo& network, bool truncate);
const nlohmann::json& network_headers();

} // namespace davit::cli
