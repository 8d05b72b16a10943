// The order of keys in YAML that Docker Compose writes.
#pragma once

#include <string_view>

namespace davit::yaml {

// Runs of digits count as numbers (a2 before a10); a letter comes after what is none, and before it where digits stand
// in front of both.
bool comes_before(std::string_view a, std::string_view b);

} // namespace davit::yaml
