// Waiting until services have converged, told in docker's lines.
#pragma once

#include "cli/context.hpp"
#include "davit/services.hpp"

#include <string>

namespace davit::cli {

// name: as its user calls it. Returns when the service is what it should be and has stayed so; an interrupt ends the
// waiting, and not the service. Throws Error for updates that stopped.
void wait_for_service(Context& context, Swarm& swarm, const std::string& id, const std::string& name, bool quiet);

} // namespace davit::cli
