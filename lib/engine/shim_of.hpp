// The way to a container's shim, for whoever executes in the container or attaches to it.
#pragma once

#include "project/paths.hpp"
#include "runtime/shim_client.hpp"

#include <stop_token>
#include <string>

namespace davit {

// A shim that answers. A container whose shim was killed, alone or together with the supervisor, runs on
// (DESIGN §4): then this waits for its new shim, and has a supervisor started for it where none is.
// Throws unavailable when the container does not run, interrupted.
runtime::ShimConnection connect_to_shim(const Roots& roots, const std::string& project, const std::string& container_id,
                                        std::stop_token stop = {});

} // namespace davit
