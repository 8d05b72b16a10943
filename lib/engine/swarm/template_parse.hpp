// The structure of a text with {{actions}}, as Go's text/template has it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

struct TemplateNode {
    enum class Kind { text, action, assign, if_, range, with };
    Kind kind = Kind::text;
    std::string text;                   // what stands there, or a pipeline
    std::size_t at = 0;                 // where that pipeline begins
    std::vector<std::string> variables; // "$x" in front of := or =; of range up to two
    bool declares = false;              // :=
    std::vector<TemplateNode> then, otherwise;
};

// Throws invalid_project for what is no template, unsupported for words of Go's that davit does not expand.
std::vector<TemplateNode> parse_template(std::string_view text);

// What is wrong with a template, while it is not known where: with its words, or with what they ask for.
struct TemplateFault {
    std::string what;
    bool syntax = true;
};
[[noreturn]] void wrong_template(const std::string& what);
[[noreturn]] void wrong_value(const std::string& what);
// Throws invalid_project as Go tells it: "template: expansion:1:2: executing "expansion" at <.Foo>: …".
[[noreturn]] void throw_fault(const TemplateFault& fault, std::string_view source, std::size_t at,
                              std::string_view node);

} // namespace davit
