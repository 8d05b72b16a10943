// From the command line and the process's environment to a loaded project, for all verbs.
#pragma once

#include "cli/app.hpp"
#include "davit/load.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::cli {

std::map<std::string, std::string> process_environment();

// Global flags, environment, .env, the compose files found. Warnings go to stderr.
// `files` is empty if there is none; load() then throws Error(not_found).
LoadOptions load_options(const Globals&, std::vector<std::string> services = {});

// load_options() and load() with the warnings of both on stderr.
LoadResult load_project(const Globals&, std::vector<std::string> services = {});
// For another engine.
LoadResult load_project_to_export(const Globals&, std::vector<std::string> services = {});

// docker compose's switches (COMPOSE_PROGRESS, COMPOSE_REMOVE_ORPHANS …) may stand in .env: they are put
// into this process's environment, where they are read. To be called before threads start.
void take_switches_from_env_file(const Globals& globals);

} // namespace davit::cli
