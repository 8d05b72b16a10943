#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_system_info(Globals&, const Args&);
int run_system_boot(Globals&, const Args&);
int run_system_df(Globals&, const Args&);
int run_system_events(Globals&, const Args&);
int run_system_install(Globals&, const Args&);
int run_system_prune(Globals&, const Args&);
int run_system_shutdown(Globals&, const Args&);
int run_system_uninstall(Globals&, const Args&);

} // namespace davit::cli
