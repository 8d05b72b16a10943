// Whether the node takes a task, and Docker's words where it does not.
#pragma once

#include "swarm/orchestrator/service_state.hpp"

namespace davit::swarm {

// Empty: it fits. Else the first of Docker's checks that fails: "insufficient resources on 1 node".
std::string unfit(const ServiceState& service, const TaskVersion& version, const NodeFacts& node, const Ledger& ledger,
                  const Taken& elsewhere);
// Pending tasks of the service, in the order of their creation.
void place_waiting(ServiceState& service, const Round& round, const Ledger& ledger, const Taken& elsewhere);

} // namespace davit::swarm
