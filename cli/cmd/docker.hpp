// The command `docker` itself.
#pragma once

#include "cli/options.hpp"

namespace davit::cli {

// What may stand before docker's words.
CommandInfo docker_command();

} // namespace davit::cli
