// From files to one canonical tree.
#pragma once

#include "davit/stack.hpp"
#include "stack/canonical.hpp"

#include <memory>
#include <vector>

namespace davit::stack {

struct LoadedFile {
    std::unique_ptr<Tree> tree;
    std::unique_ptr<Diagnostics> diagnostics;
    Node* root = nullptr;
    std::vector<std::string> warnings;
    std::string directory;
};

// Throws LoadError. refused: the keys that version 3 does not know, where that is (part of) what is wrong.
LoadedFile load_files(const StackOptions& options, std::vector<std::string>& refused);

} // namespace davit::stack
