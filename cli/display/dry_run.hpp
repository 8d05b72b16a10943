// A plan that nobody runs, told as if it had run: what `docker compose --dry-run` shows.
#pragma once

#include "davit/event.hpp"
#include "davit/plan.hpp"

#include <vector>

namespace davit::cli {

// In the order of printing: each operation begins and is done. Waiting is left out, for nothing is there to wait for.
std::vector<Event> events_of(const Plan& plan);

} // namespace davit::cli
