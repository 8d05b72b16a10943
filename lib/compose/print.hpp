// Trees as YAML and JSON text.
#pragma once

#include "compose/tree.hpp"

#include <string>

namespace davit::compose {

// escape: every dollar becomes $$, so that the text can be loaded again.
std::string print_yaml(const Node&, bool escape);
std::string print_json(const Node&, bool escape);

} // namespace davit::compose
