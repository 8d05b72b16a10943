// JSON values from and to text. The parser and the serializer are compiled once, for speed, whatever the callers are
// compiled for. For .cpp files only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace davit::json {

using Value = nlohmann::json;

// Throws nlohmann::json::parse_error.
Value parse_text(std::string_view text);

// Discarded when it is no JSON.
Value parse_or_discarded(std::string_view text);

// indent: spaces a level; below 0, one line. The bytes of a name or an environment variable need not be UTF-8: what is
// not is replaced.
std::string text(const Value& value, int indent = -1);
std::string text(const nlohmann::ordered_json& value, int indent = -1);

// Throws nlohmann::json::type_error for what is not UTF-8.
std::string strict_text(const Value& value, int indent = -1);

} // namespace davit::json
