// How many tasks of a slot are kept. Pure.
#pragma once

#include "davit/swarm.hpp"

#include <cstdint>
#include <vector>

namespace davit::swarm {

inline constexpr std::int64_t usual_history = 5;

// The tasks of the service, oldest first, without those that the orchestrator has given up: their records stay until
// their containers are gone, beside that of the task which has taken their place.
// limit: of the swarm; less than 0: all are kept.
std::vector<Task> within_history(const Service& service, std::vector<Task> tasks, std::int64_t limit = usual_history);

} // namespace davit::swarm
