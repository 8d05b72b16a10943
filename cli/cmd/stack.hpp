// The verbs of `davit stack`.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_stack_config(Globals&, const Args&);
int run_stack_deploy(Globals&, const Args&);
int run_stack_ls(Globals&, const Args&);
int run_stack_ps(Globals&, const Args&);
int run_stack_rm(Globals&, const Args&);
int run_stack_services(Globals&, const Args&);

} // namespace davit::cli
