// A merged stack file as docker prints it: version 3's keys in their order, names sorted, what is empty left out.
#pragma once

#include "stack/schema.hpp"

#include <string>

namespace davit::stack {

std::string print_file(const Node& root);
// As Go's YAML library writes a text: plain where that reads back as the same text, else in quotes.
std::string yaml_text(std::string_view text, int indent);
// Names in the order of Go's YAML library: numbers by value, letters last.
bool natural_less(std::string_view a, std::string_view b);

} // namespace davit::stack
