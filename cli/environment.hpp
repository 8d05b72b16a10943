// Variables of the environment that change how the command line behaves.
#pragma once

namespace davit::cli {

// COMPOSE_REMOVE_ORPHANS and the like: set to a true value.
bool env_flag(const char* name);

} // namespace davit::cli
