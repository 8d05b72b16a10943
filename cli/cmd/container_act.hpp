// What is done to single containers, by name or id, whatever they belong to.
#pragma once

#include "cli/cmd/verbs.hpp"

namespace davit::cli {

int run_container_exec(Globals& globals, const Args& args);
int run_container_kill(Globals& globals, const Args& args);
int run_container_pause(Globals& globals, const Args& args);
int run_container_prune(Globals& globals, const Args& args);
int run_container_rename(Globals& globals, const Args& args);
int run_container_restart(Globals& globals, const Args& args);
int run_container_rm(Globals& globals, const Args& args);
int run_container_stop(Globals& globals, const Args& args);
int run_container_unpause(Globals& globals, const Args& args);
int run_container_update(Globals& globals, const Args& args);
int run_container_wait(Globals& globals, const Args& args);

} // namespace davit::cli
