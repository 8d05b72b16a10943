// How many tasks of a slot the swarm keeps (`swarm update --task-history-limit`), beside its node's record.
#pragma once

#include "project/paths.hpp"

#include <cstdint>
#include <string>

namespace davit::swarm {

// Less than 0: all. The usual one where nobody has said, or what stands there is no number.
std::int64_t task_history_limit(const Roots& roots);
// With Swarm's lock.
void set_task_history_limit(const Roots& roots, std::int64_t limit);

struct Paths;
// It goes with the node.
std::string task_history_file(const Paths& paths);

} // namespace davit::swarm
