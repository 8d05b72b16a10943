// What the containers that keep a project from being up wrote last, for the person who waits for it.
#pragma once

#include "davit/engine.hpp"
#include "project/paths.hpp"

#include <string>

namespace davit::cli {

// The last lines of each container that is unhealthy or ended with an error, to stderr.
void print_last_words(Engine& engine, const Roots& roots, const std::string& project);

} // namespace davit::cli
