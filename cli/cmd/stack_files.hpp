// What `stack deploy` and `stack config` share: stack files from the command line.
#pragma once

#include "davit/stack.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// Throws Error(usage) for a name of nothing but white space.
void check_stack_name(const std::string& name);

// With the process's environment, and standard input where "-" is among the files. Throws Error(usage) without one.
StackOptions stack_options(const std::vector<std::string>& files);

} // namespace davit::cli
