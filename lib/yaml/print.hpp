// Trees as YAML and JSON text.
#pragma once

#include "yaml/tree.hpp"

#include <cstddef>
#include <string>

namespace davit::yaml {

// escape: every dollar becomes $$, so that the text can be loaded again. step: columns of one level.
std::string print_yaml(const Node&, bool escape, std::size_t step = 2);
// As Go's encoder has it: <, > and & are escaped, too.
std::string print_json(const Node&, bool escape);
// The text that hashes are made of: it stays as it is from version to version.
std::string print_json_for_hash(const Node&);

} // namespace davit::yaml
