// What registries have, looked at.
#pragma once

#include "cli/app.hpp"

namespace davit::cli {

// `buildx imagetools inspect`
int print_image_tools(Globals&, const Args&);

} // namespace davit::cli
