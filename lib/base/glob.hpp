// Shell patterns over one name: * ? [a-z] [^a] and backslash; * and ? do not match '/'.
#pragma once

#include <string_view>

namespace davit {

// False also for a malformed pattern.
bool glob_match(std::string_view pattern, std::string_view name) noexcept;

} // namespace davit
