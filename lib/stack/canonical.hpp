// One form for all that may be written in several: short forms become records, lists of KEY=VALUE maps, durations and
// sizes what Go prints, paths absolute; env_file is read into environment.
#pragma once

#include "stack/schema.hpp"
#include "stack/text.hpp"

#include <string>

namespace davit::stack {

struct Surroundings {
    std::string directory; // relative paths of the files start here
    LookupEnvironment lookup;
    std::vector<std::string>& warnings;
};

// The root is one file's, valid. Throws Error for an env_file that cannot be read.
void make_canonical(Tree& tree, Node& root, int minor, const Surroundings& around, Diagnostics& diag);

} // namespace davit::stack
