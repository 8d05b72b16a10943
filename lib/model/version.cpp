#include "davit/version.hpp"

#include <string_view>

namespace davit {

// The numbers and the text are one version: CMakeLists.txt builds PROJECT_VERSION from the numbers.
static_assert(std::string_view(DAVIT_VERSION) == DAVIT_PROJECT_VERSION, "davit/version.hpp contradicts itself");

const char* version() noexcept { return DAVIT_VERSION; }

bool version_serves(int major, int minor, int patch) noexcept {
    if (major != DAVIT_VERSION_MAJOR) return false;
    if (major == 0 && minor != DAVIT_VERSION_MINOR) return false;
    return DAVIT_VERSION_MINOR > minor || (DAVIT_VERSION_MINOR == minor && DAVIT_VERSION_PATCH >= patch);
}

} // namespace davit
