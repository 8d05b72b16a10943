// YAML text → trees with positions. yaml-cpp gives the events; here are anchors, merge keys,
// duplicate keys, tags, scalar types and the limits against bombs.
#pragma once

#include "yaml/reporter.hpp"
#include "yaml/tree.hpp"

#include <vector>

namespace davit::yaml {

// The documents of a file that was added to the tree. A document with a syntax error gives an
// error and ends the list.
std::vector<Node*> parse_yaml(Tree&, std::uint16_t file, Reporter&);

} // namespace davit::yaml
