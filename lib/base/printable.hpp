// Text that a container, an image or a registry made, on its way to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace davit {

// What could steer a terminal or fake a line becomes visible, spelled as in C: control characters (C0, DEL, C1),
// bytes that are not UTF-8, characters that turn the direction of writing, other line separators. The rest stays,
// backslashes too: a path reads as it is. Characters of `keep` stay as well: "\n\t" for text of several lines.
std::string printable(std::string_view text, std::string_view keep = {});

// The same for a JSON document, spelled as in JSON: its meaning stays.
std::string printable_json(std::string_view document);

// Adds the UTF-8 of a code point.
void append_utf8(std::string& out, unsigned code);

} // namespace davit
