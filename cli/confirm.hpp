// The question before what cannot be taken back.
#pragma once

#include <string>

namespace davit::cli {

// "WARNING! …\nAre you sure you want to continue? [y/N] " on standard output, and whether y or yes came.
bool confirmed(const std::string& warning);
// The answer to a question that stands on standard output already. line_at_end: the end of the input gets a line of its
// own. Ctrl-C meanwhile ends the program.
bool answered_yes(bool line_at_end);

} // namespace davit::cli
