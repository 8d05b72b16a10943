// Where a part of a loaded project stands. Asked for only when there is something to tell about it, and so
// found by reading the files once more.
#pragma once

#include "davit/project.hpp"

#include <string>
#include <string_view>

namespace davit::compose {

// Of "services.web.ports[0]", or of the nearest part above it; line 0: it cannot be told (the project came from
// standard input, was built in code, or its files have changed).
SourcePos place_of(const Project& project, std::string_view path);

} // namespace davit::compose
