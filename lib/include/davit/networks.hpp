// The networks of this machine: Engine::networks() lists them; here they are found and removed. Blocks on the disk and
// on the project's supervisor; several threads may call at once.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// By name, or by the first four or more digits of its id. Errors: not_found.
NetworkInfo network(Engine& engine, const std::string& name_or_id);
// The containers of all projects that are attached to it, running or not.
std::vector<ContainerInfo> containers_of(Engine& engine, const NetworkInfo& network);
// Errors: not_found, conflict (a container is attached to it).
void remove_network(Engine& engine, const std::string& name_or_id);

} // namespace davit
#pragma GCC visibility pop
