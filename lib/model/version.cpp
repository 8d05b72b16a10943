#include "davit/version.hpp"

#include <string_view>

namespace davit {

// The numbers and the text are one version: CMakeLists.txt builds PROJECT_VERSION from the numbers.
static_assert(std::string_view(DAVIT_VERSION) == DAVIT_PROJECT_VERSION, "davit/version.hpp contradicts itself");

const char* version() noexcept { return DAVIT_VERSION; }

} // namespace davit
