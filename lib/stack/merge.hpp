// Several canonical files as one, with the rules of stacks: lists grow, maps are filled, empty values change nothing.
#pragma once

#include "stack/schema.hpp"

namespace davit::stack {

void merge_files(Tree& tree, Node& base, const Node& over);

} // namespace davit::stack
