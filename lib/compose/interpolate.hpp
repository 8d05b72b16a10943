// Replaces variables in the values of a tree, and casts the places that need numbers or booleans.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/template.hpp"

namespace davit::compose {

void interpolate(Tree&, Node& document, const Environment&, Diagnostics&);

} // namespace davit::compose
