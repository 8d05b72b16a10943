// The volumes of this machine: Engine::volumes() lists them; here they are removed. Blocks on the disk, and on the
// project's supervisor where one owns the volume; several threads may call at once.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <functional>
#include <map>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

// Volumes that containers have, running or not → the name of one of those.
std::map<std::string, std::string> volumes_in_use(Engine& engine);
// Errors: not_found.
VolumeInfo volume(Engine& engine, const std::string& name);
// With its data. Errors: not_found, conflict (a container has it).
void remove_volume(Engine& engine, const std::string& name);
// Removes what no container has: anonymous volumes, or all; calls removed after each.
void prune_volumes(Engine& engine, bool all, const std::function<void(const VolumeInfo&)>& removed = {});

} // namespace davit
#pragma GCC visibility pop
