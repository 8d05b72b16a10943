// The networks that every machine has, as with Docker: bridge, host and none. Pure.
#pragma once

#include "project/record.hpp"

#include <string>
#include <vector>

namespace davit {

// Of a network's record, not shown among its labels: whose configuration it has (`network create --config-from`).
inline constexpr const char* config_from_label = "com.davit.network.config-from";

bool is_builtin_network(const std::string& name);
// As nobody has used it yet. bridge: with the subnet that it gets where nothing else has that one. Its bridge is made,
// and the record written, by the first container on it; host and none have neither. The ids are always the same.
NetworkRecord builtin_network(const std::string& name, const std::string& run_dir);
// Adds those that have no record.
void add_builtin_networks(std::vector<NetworkRecord>& networks, const std::string& run_dir);

} // namespace davit
