// What follows the end of a task.
#pragma once

#include "swarm/orchestrator/service_state.hpp"

namespace davit::swarm {

// Its container ended because the machine did: another follows at once, which is no attempt, unless the condition is
// none.
bool ended_with_machine(const Entry& entry);
bool should_restart(const ServiceState& service, const Entry& entry);
// An update takes it on: it is wanted, or has ended for good. A roll-back leaves out the latter, so that each slot
// has a task again afterwards.
bool updatable(const ServiceState& service, const Entry& entry);
// Shut down, and another task in its place where the policy has one; it starts after the delay and when this one
// has stopped.
void replace(ServiceState& service, Entry& entry, const Round& round);
// Starts that are due, and restarts of what has ended, in one slot.
void follow(ServiceState& service, std::uint64_t slot, const Round& round);

} // namespace davit::swarm
