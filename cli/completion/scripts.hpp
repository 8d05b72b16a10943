// The scripts of cli/completion/ as texts.
#pragma once

#include <array>

namespace davit::cli {

struct CompletionScript {
    const char* shell;
    const char* text;
};
extern const std::array<CompletionScript, 3> completion_scripts;

} // namespace davit::cli
