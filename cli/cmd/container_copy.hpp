// What is taken out of single containers and put into them: files, archives, images.
#pragma once

#include "cli/cmd/verbs.hpp"

namespace davit::cli {

int run_container_commit(Globals& globals, const Args& args);
int run_container_cp(Globals& globals, const Args& args);
int run_container_export(Globals& globals, const Args& args);

} // namespace davit::cli
