// Where davit's other programs are.
#pragma once

#include <string>

namespace davit {

// "davit-shim" → its path: $DAVIT_LIBEXEC (tests, embedders), the directory of this program,
// ../libexec/davit from there, the libexec directory of the build. Throws (not_found) with the
// places looked at. Read once per program from the environment; thread-safe.
std::string find_program(const std::string& name);

} // namespace davit
