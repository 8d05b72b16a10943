// Attributes that are read and checked but that davit cannot act on.
#pragma once

#include "compose/diagnostics.hpp"
#include "davit/load.hpp"

#include <vector>

namespace davit::compose {

// One warning for each use in the tree, in long forms.
std::vector<Diagnostic> find_unacted(const Tree&, const Node& document);

} // namespace davit::compose
