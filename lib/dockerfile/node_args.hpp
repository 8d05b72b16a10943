// How the text behind a keyword falls into arguments: each instruction has one of these forms.
#pragma once

#include "dockerfile/parser.hpp"

#include <string_view>

namespace davit::dockerfile {

// Fills flags, args, json, trigger. line: "KEYWORD rest". Throws Errc::invalid_project at node.place.
void read_arguments(Node& node, std::string_view line, char escape);

} // namespace davit::dockerfile
