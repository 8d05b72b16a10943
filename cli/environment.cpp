#include "cli/environment.hpp"

#include <cstdlib>
#include <string_view>

namespace davit::cli {

bool env_flag(const char* name) {
    const char* value = std::getenv(name);
    if (!value) return false;
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True", "yes", "y"})
        if (yes == value) return true;
    return false;
}

} // namespace davit::cli
