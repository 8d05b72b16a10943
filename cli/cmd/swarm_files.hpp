// Docker's `config` beside docker compose's, and what makes a swarm by the way.
#pragma once

#include "cli/app.hpp"
#include "davit/engine.hpp"

namespace davit::cli {

// Whether `davit config ARGS` is docker's: its first word is one of docker's.
bool is_config_object_verb(const Args& args);
int run_config_object(Globals&, const Args&);

// Makes the machine a swarm where it is none, and says so: before the first object is made.
void announce_swarm(Engine& engine);

} // namespace davit::cli
