// What a client's word makes of a service's record, as Swarm's manager does it: the step before Orchestrator::set().
// Pure; whoever takes the request (the supervisor) calls it on the record that it has.
#pragma once

#include "davit/swarm.hpp"

#include <cstdint>

namespace davit::swarm {

// The specification of a task: what a rolling update replaces tasks for. Where it is the same, the template may stay.
bool same_task(const ServiceSpec& a, const ServiceSpec& b);

// `service update`, `scale`, `stack deploy`, also without a change: spec becomes previous, versions move, the status
// of the last update goes, and a job runs again. `template_version` 0: the one there is.
void change_spec(Service& service, const ServiceSpec& spec, std::uint64_t template_version, std::int64_t now);

// `service rollback`: spec and previous change places. False: there is no previous.
bool roll_back(Service& service, std::int64_t now);

// What a client asked for that had seen the service as `seen` is done: it asks again, because the supervisor that did
// it was killed before it answered.
bool is_rolled_back(const Service& service, const Service& seen);

} // namespace davit::swarm
