#pragma once

#include "bake/expression.hpp"
#include "bake/text_reader.hpp"

namespace davit::baking {

// The expression that begins here; lines: it may go on in the next line (inside brackets). Throws Error(usage).
Expression parse_expression(TextReader& in, bool lines = false, int depth = 0);
// What stands between quotes: "a ${b}"; the opening one is taken already when `quoted`. Otherwise all of the text.
Expression parse_template(TextReader& in, bool quoted, int depth = 0);

} // namespace davit::baking
