// Variables in stack files. Fewer forms than in compose files: no ${X:+y}, no variables within defaults; $X:-y works
// without braces. Only a text that a variable changed becomes a number or a boolean where one belongs.
#pragma once

#include "compose/diagnostics.hpp"
#include "stack/text.hpp"

namespace davit::stack {

struct Substitution {
    std::string text;
    std::string mistake; // the text, or what a required variable lacks; empty: none
};
Substitution substitute(std::string_view text, const LookupEnvironment& lookup);

void substitute_all(compose::Tree& tree, compose::Node& root, const LookupEnvironment& lookup,
                    compose::Diagnostics& diag);

} // namespace davit::stack
