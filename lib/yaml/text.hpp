// What is checked on the bytes of a YAML file before yaml-cpp reads it, as it would let it through.
#pragma once

#include "yaml/reporter.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace davit::yaml {

// The text with the line breaks of YAML 1.1 (a carriage return that stands alone, U+0085) as line feeds, and UTF-16
// with a byte order mark as UTF-8. What is broken UTF-16 stays, and is no UTF-8.
std::string canonical_text(std::string text);

// The offset of the first byte that is no part of UTF-8, npos if there is none.
std::size_t first_bad_utf8(std::string_view text);

// What is wrong with the anchor and the tag that stand there, for Docker Compose's YAML: what their names are made of
// and end with, and a handle (the !a! of !a!b) that no %TAG line of the file gives. Empty if nothing is.
std::string property_fault(std::string_view text, std::string_view file);

// Control characters, broken UTF-8, and what Docker Compose's YAML 1.1 does not know: other versions
// in a %YAML line, the escape \/. Reports the first; true if there is none.
bool check_yaml_text(std::string_view text, std::uint16_t file, Reporter&);

} // namespace davit::yaml
