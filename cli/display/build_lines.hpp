// Where the lines of a build's progress go: those of buildx to standard error, those of Compose to standard output.
#pragma once

#include <cstdio>

namespace davit::cli {

// Standard error, until a command says otherwise before its first build.
std::FILE* build_lines();
void build_lines_to(std::FILE* out);

} // namespace davit::cli
