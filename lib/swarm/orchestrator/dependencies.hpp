// A map depends_on of a stack file: the first tasks of a service stay pending until the others are what it says. It
// holds at start alone: once a boot, and not while the service has a task that runs.
#pragma once

#include "swarm/orchestrator/service_state.hpp"

#include <functional>
#include <string>

namespace davit::swarm {

// Nothing of depends_on holds (any more) in this boot.
bool begun(const ServiceState& service, const NodeFacts& node);
// Something of the service runs already, also what is about to be replaced: an update is no start.
bool runs_already(const ServiceState& service);

// For which of its dependencies the service waits, in words: "waiting for x_db to be healthy". Empty: for none.
// find: a service of the same project by name; nullptr: there is none.
std::string unmet(const ServiceState& service, const std::function<const ServiceState*(const std::string&)>& find);

// Its pending tasks say so. Whether one said something else before.
bool hold_waiting(ServiceState& service, const std::string& reason, const Round& round);

} // namespace davit::swarm
