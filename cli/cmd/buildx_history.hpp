#pragma once

#include "cli/app.hpp"

#include <span>

namespace davit::cli {

int run_buildx_history(Globals& globals, const Args& args);

// As run_group(); a word that is none is told as buildx does, below the group's help.
int run_buildx_group(Globals& globals, const Args& args, const char* name, const char* summary,
                     std::span<const Verb> verbs);

} // namespace davit::cli
