// The lines of a Dockerfile around a mistake, in BuildKit's form.
#pragma once

#include "davit/error.hpp"

#include <string>

namespace davit::cli {

// Those of the instruction at `at` are marked, two more stand before and behind (one, where the instruction has several
// lines). Empty where the file cannot be read, has another name than `at` says, or is shorter: then it is not what was
// built from.
std::string dockerfile_excerpt(const std::string& path, const SourcePos& at);

// The last line of the instruction that begins there: behind its continuations and heredocs.
int last_line_of_instruction(const std::string& text, int first);
// All of it; empty where it cannot be read twice (a pipe, no such file).
std::string dockerfile_text(const std::string& path);

} // namespace davit::cli
