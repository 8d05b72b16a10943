// How many tasks there are, and where: slots that are missing or too many, by the service's mode.
#pragma once

#include "swarm/orchestrator/service_state.hpp"

namespace davit::swarm {

void reconcile_replicated(ServiceState& service, const Round& round);
void reconcile_global(ServiceState& service, const Round& round);
void reconcile_job(ServiceState& service, const Round& round);

// The node may have tasks of this specification at all: constraints, and that nobody has drained it.
bool eligible(const ServiceState& service, const NodeFacts& node);
void remove_slot(ServiceState& service, std::uint64_t slot, std::int64_t now);

// The node's labels or availability are not what they were.
void node_changed(ServiceState& service, const Round& round);

// So many tasks are kept of a slot as the swarm's limit says, the running one included; with max_attempts, one more
// than those.
void trim_history(ServiceState& service, std::uint64_t slot, std::int64_t limit, std::vector<std::string>& removed);

} // namespace davit::swarm
