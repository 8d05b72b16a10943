// What `network connect` refuses, as Docker does. Pure.
#pragma once

#include "davit/container.hpp"
#include "davit/plan.hpp"

#include <string>

namespace davit {

// network_mode: of the container. Throws conflict (host, none, container:…), denied (a network of Swarm's that is not
// attachable).
void check_attachable(const NetworkInfo& network, const std::string& network_mode);
// Throws usage for what is no address, or of no subnet of the network.
void check_endpoint(const NetworkInfo& network, const ConnectOptions& options);

} // namespace davit
