// Compose files that stand nowhere on the disk: several texts, overrides among them, as one project. Blocks and fails
// as load() does; several threads may call at once.
#pragma once

#include "davit/load.hpp"

#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ComposeText {
    std::string name; // "override.yaml": as messages, `include` and `extends` call it; relative to `current_dir`
    std::string text;
};

// load() for several texts. Those that `files` of the options names are merged in that order, files of the disk between
// them; where it is empty, all texts in the order given. Texts that are not merged are there for `include` and
// `extends` of the others. Errors: usage (a name that is empty, "-", or given twice), else as load(). One text alone:
// load_string() of in_code.hpp.
LoadResult load_strings(const std::vector<ComposeText>& texts, LoadOptions options = {});

} // namespace davit
#pragma GCC visibility pop
