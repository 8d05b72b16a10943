// The pieces of a Go template: text, and the tokens inside {{ }}.
#pragma once

#include <string>
#include <vector>

namespace davit::cli {

struct TemplateToken {
    enum class Kind {
        word,
        field,
        variable,
        text,
        character,
        number,
        pipe,
        open,
        close,
        comma,
        declare,
        assign,
        end
    } kind = Kind::end;
    std::string text;    // without its dot, dollar or quotes
    bool spaced = false; // white space stands before it
    int line = 1, column = 0;
};

struct TemplatePiece {
    bool action = false;
    std::string text;                  // of what is no action
    std::vector<TemplateToken> tokens; // of an action, the last one `end`
    int line = 1;
};

// Throws Error(usage). Comments are gone, and what {{- and -}} trim.
std::vector<TemplatePiece> split_template(const std::string& text);

[[noreturn]] void template_mistake(int line, const std::string& what);

} // namespace davit::cli
