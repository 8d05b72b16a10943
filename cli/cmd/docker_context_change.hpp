// `context create|export|import|rm|update`: docker's contexts written, for docker's program and for scripts that keep
// several.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

int run_context_create(Globals& globals, const Args& args);
int run_context_export(Globals& globals, const Args& args);
int run_context_import(Globals& globals, const Args& args);
int run_context_rm(Globals& globals, const Args& args);
int run_context_update(Globals& globals, const Args& args);

} // namespace davit::cli
