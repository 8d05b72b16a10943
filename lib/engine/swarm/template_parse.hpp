// The structure of a text with {{actions}}, as Go's text/template has it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit {

struct TemplateNode {
    enum class Kind { text, action, assign, if_, range, with };
    Kind kind = Kind::text;
    std::string text;                   // what stands there, or a pipeline
    std::vector<std::string> variables; // "$x" in front of := or =; of range up to two
    bool declares = false;              // :=
    std::vector<TemplateNode> then, otherwise;
};

// Throws invalid_project for what is no template, unsupported for words of Go's that davit does not expand.
std::vector<TemplateNode> parse_template(std::string_view text);

[[noreturn]] void wrong_template(const std::string& what);

} // namespace davit
