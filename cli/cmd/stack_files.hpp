// What `stack deploy` and `stack config` share: stack files from the command line.
#pragma once

#include "davit/stack.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// With the process's environment, and standard input where "-" is among the files. Throws Error(usage) without one.
StackOptions stack_options(const std::vector<std::string>& files);

} // namespace davit::cli
