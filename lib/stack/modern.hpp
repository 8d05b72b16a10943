// Compose files of today as stacks, for `stack deploy` alone: version 3 has no word for much that people write.
#pragma once

#include "davit/stack.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::stack {

// Nothing when the files are no compose files of today either. refused: the keys because of which it came to this.
std::optional<Stack> load_modern(const std::string& name, const StackOptions& options,
                                 const std::vector<std::string>& refused);
// As `config` prints it.
std::optional<std::string> render_modern(const StackOptions& options);

} // namespace davit::stack
