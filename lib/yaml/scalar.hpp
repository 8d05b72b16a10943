// What a plain YAML scalar means, as Go's YAML library resolves it: numbers with 0x, 0o, 0b and
// octal 0, underscores, true and false but not yes and no, dates.
#pragma once

#include "yaml/tree.hpp"

#include <optional>
#include <string>

namespace davit::yaml {

Node* resolve_plain(Tree&, std::string_view text, Pos at);
// What a node's text with `timestamp` is in JSON and in YAML.
std::string rfc3339(std::string_view time);
std::optional<std::string> decode_base64(std::string_view text);

} // namespace davit::yaml
