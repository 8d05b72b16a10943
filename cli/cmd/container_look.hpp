// What is seen of single containers, by name or id, whatever they belong to.
#pragma once

#include "cli/cmd/verbs.hpp"
#include "davit/engine.hpp"

#include <string>

namespace davit::cli {

int run_container_diff(Globals& globals, const Args& args);
// The document of `inspect`; size: with what it has written and has in all. Throws Error(not_found).
std::string container_document(Engine& engine, const std::string& name, bool size);

int run_container_inspect(Globals& globals, const Args& args);
int run_container_logs(Globals& globals, const Args& args);
int run_container_ls(Globals& globals, const Args& args);
int run_container_port(Globals& globals, const Args& args);
int run_container_stats(Globals& globals, const Args& args);
int run_container_top(Globals& globals, const Args& args);

} // namespace davit::cli
