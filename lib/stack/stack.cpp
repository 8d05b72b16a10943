#include "davit/stack.hpp"

#include "stack/convert.hpp"
#include "stack/loader.hpp"
#include "stack/modern.hpp"
#include "stack/print.hpp"

#include <algorithm>

namespace davit {

std::string render_stack(const StackOptions& options) {
    std::vector<std::string> refused;
    try {
        return stack::print_file(*stack::load_files(options, refused).root);
    } catch (const LoadError&) {
        if (!options.accept_modern || refused.empty()) throw;
        if (auto modern = stack::render_modern(options)) return std::move(*modern);
        throw;
    }
}

Stack load_stack(const std::string& name, const StackOptions& options) {
    std::vector<std::string> refused;
    std::optional<LoadError> mistake;
    try {
        const stack::LoadedFile file = stack::load_files(options, refused);
        Stack out = stack::convert_file(*file.tree, *file.root, name);
        out.warnings = file.warnings;
        return out;
    } catch (const LoadError& e) {
        if (!options.accept_modern || refused.empty()) throw;
        mistake = e;
    }
    // What is wrong in both worlds is told in the words of stacks.
    if (auto modern = stack::load_modern(name, options, refused)) return std::move(*modern);
    throw *mistake;
}

} // namespace davit
