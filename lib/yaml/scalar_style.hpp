// How a text stands in YAML: the choice of quotes and the folding of long lines that Docker Compose's output has.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::yaml {

enum class ScalarStyle { plain, single_quoted, double_quoted, literal };

// What a plain text would be read as something else than itself is in quotes: single ones where syntax stands in the
// way or YAML 1.1 has a word or a number in base 60 there, double ones for numbers, dates, booleans, null, and for what
// cannot be shown. simple_key: the text is a key, which stays on one line.
ScalarStyle scalar_style(std::string_view text, bool simple_key);

// Adds the text to `out`, whose last line has `column` characters. indent: of the lines that follow the first, in
// characters. A key is never folded.
void write_scalar(std::string& out, std::string_view text, std::size_t column, std::size_t indent, bool simple_key);

} // namespace davit::yaml
