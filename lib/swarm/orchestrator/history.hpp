// How many tasks of a slot are kept. Pure.
#pragma once

#include "davit/swarm.hpp"

#include <vector>

namespace davit::swarm {

// The tasks of the service, oldest first, without those that the orchestrator has given up: their records stay until
// their containers are gone, beside that of the task which has taken their place.
std::vector<Task> within_history(const Service& service, std::vector<Task> tasks);

} // namespace davit::swarm
