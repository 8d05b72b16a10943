// Short forms become long forms, then defaults are filled in.
#pragma once

#include "compose/diagnostics.hpp"

namespace davit::compose {

// lenient: a text that cannot be parsed stays as it is (the variables in it are not replaced yet).
void to_canonical(Tree&, Node& document, bool lenient, Diagnostics&);
void set_defaults(Tree&, Node& document);
// Empty items of lists where they mean nothing.
void omit_empty(Node& document);

} // namespace davit::compose
