// What the environment has for a variable, as a value of its type. Pure.
#pragma once

#include "bake/expression.hpp"

#include <string>

namespace davit::baking {

// A type constraint in HCL's words for people: list(string) is "list of string".
std::string type_text(const Expression& type);

// All throw Error(usage) with the name. Several values stand in one text with commas between them.
Value value_of_text(const std::string& name, const std::string& text, const Expression& type);
Value value_of_json(const std::string& name, const std::string& text, const Expression& type);
// Without a type it has the kind of the default that it replaces.
Value value_like(const std::string& name, const std::string& text, const Value& fallback);

} // namespace davit::baking
