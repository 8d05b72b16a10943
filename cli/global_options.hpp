// The flags before the verb, and the help text that lists the verbs.
#pragma once

#include "cli/app.hpp"
#include "cli/docker_words.hpp"
#include "cli/options.hpp"

namespace davit::cli {

// compose: lists what docker compose has, and davit for a project.
Options global_options(Globals&, Grammar = Grammar::davit);

} // namespace davit::cli
