// A specification as a JSON value in the shape of Docker's API, its keys in Docker's order. For .cpp files only.
#pragma once

#include "davit/service_spec.hpp"

#include <nlohmann/json.hpp>

namespace davit::swarm {

using OrderedJson = nlohmann::ordered_json;

OrderedJson json_of(const ServiceSpec& spec);
OrderedJson json_of(const TaskSpec& task);
OrderedJson json_of(const EndpointSpec& endpoint);
OrderedJson json_of(const std::vector<PortConfig>& ports);
// What is missing or of another type reads as not given.
ServiceSpec service_spec_of(const nlohmann::json& json);
std::vector<PortConfig> ports_of(const nlohmann::json& json);

} // namespace davit::swarm
