#include "cli/display/build_lines.hpp"

namespace davit::cli {

namespace {

std::FILE*& place() {
    static std::FILE* out = stderr;
    return out;
}

} // namespace

std::FILE* build_lines() { return place(); }

void build_lines_to(std::FILE* out) { place() = out; }

} // namespace davit::cli
