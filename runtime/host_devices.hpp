// The device nodes of this machine, looked at when asked.
#pragma once

#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::runtime {

// The node at the path (links are followed), or, of a directory, all below it in the alphabet's order but what is a
// container's own (pts, shm …); by their paths on the machine. Errors: not_found, in the engine's words;
// invalid_project (something else is there).
std::vector<Device> host_devices(const std::string& path);

} // namespace davit::runtime
