// `container run|create|start|attach`: a container's streams at this process's.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_container_run(Globals&, const Args&);
int run_container_create(Globals&, const Args&);
int run_container_start(Globals&, const Args&);
int run_container_attach(Globals&, const Args&);

} // namespace davit::cli
