// All tags of a repository, by the distribution specification's "Listing Tags".
#pragma once

#include "registry/client.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace davit::registry {

// In the registry's order, without repetitions. Blocks on the network. Errors as of image::pull(); failed where the
// list has no end (100,000 tags).
std::vector<std::string> repository_tags(RegistryClient& client, const std::stop_token& stop = {});

} // namespace davit::registry
