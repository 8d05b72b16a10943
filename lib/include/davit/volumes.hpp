// The volumes of this machine: Engine::volumes() lists them; here they are made and removed. Those made here belong to
// no project: compose files name them as external, and they go only when they are removed. Blocks on the disk, and on
// the project's supervisor where one owns the volume; several threads may call at once. A stop ends the waiting for
// another command, and a prune between two volumes: those that are gone stay gone (interrupted).
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

struct VolumeSpec {
    std::string name; // empty: an anonymous one
    std::string driver = "local";
    std::map<std::string, std::string> driver_opts; // type, device, o: what is mounted there
    Labels labels;
};
// One that is there already is returned as it is. Errors: invalid_project (name), usage (option), not_found (driver),
// conflict (there with another driver).
VolumeInfo create_volume(Engine& engine, const VolumeSpec& spec);

// Volumes that containers have, running or not → the name of one of those.
std::map<std::string, std::string> volumes_in_use(Engine& engine);
// Errors: not_found.
VolumeInfo volume(Engine& engine, const std::string& name);
// With its data. Errors: not_found, conflict (a container has it).
void remove_volume(Engine& engine, const std::string& name, std::stop_token stop = {});
// Removes what no container has: anonymous volumes, or all; calls removed after each.
void prune_volumes(Engine& engine, bool all, const std::function<void(const VolumeInfo&)>& removed = {},
                   std::stop_token stop = {});
// The same of those for which wanted is true; removed is given what became free, in bytes.
void prune_volumes(Engine& engine, const std::function<bool(const VolumeInfo&)>& wanted,
                   const std::function<void(const VolumeInfo&, std::uint64_t)>& removed = {},
                   std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop
