// Histories of stacks and services: what `davit stack` and `davit service` do with revisions.
#pragma once

#include "cli/app.hpp"

#include <string>

namespace davit::cli {

int run_service_history(Globals&, const Args&);
int run_service_diff(Globals&, const Args&);
int run_stack_history(Globals&, const Args&);
int run_stack_diff(Globals&, const Args&);
int run_stack_rollback(Globals&, const Args&);

} // namespace davit::cli
