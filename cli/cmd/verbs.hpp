// The table of verbs. A verb is one file in this directory with one function declared here.
#pragma once

#include "cli/app.hpp"

#include <span>

namespace davit::cli {

std::span<const Verb> verbs();

int run_config(Globals&, const Args&);
int run_image(Globals&, const Args&);
int run_version(Globals&, const Args&);

} // namespace davit::cli
