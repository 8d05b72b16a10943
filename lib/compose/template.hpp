// The grammar of variables in compose files: $NAME, ${NAME}, ${NAME:-default}, ${NAME:+other},
// ${NAME:?message} and their forms without colon; $$ is a dollar.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::compose {

using Environment = std::map<std::string, std::string, std::less<>>;
using Lookup = std::function<const std::string*(std::string_view name)>;

// Bytes: what a text may become. A few lines can say how any number is made of one.
inline constexpr std::size_t most_expanded = 16u << 20;

struct TemplateError {
    enum class Kind { invalid, required, too_large } kind;
    std::size_t offset;  // of the dollar in the text
    std::string message; // required: "X is missing a value: text"; invalid: the expression
};

struct Expansion {
    std::string text;
    std::vector<std::string> unset; // variables without value and default
    std::optional<TemplateError> error;
};

Expansion expand(std::string_view text, const Lookup& lookup);

// A variable a text uses, for `config --variables`.
struct Variable {
    std::string name;
    std::string default_value;
    std::string alternate_value;
    bool required = false;
};
// Also those in defaults. Texts that are no valid template are skipped.
void collect_variables(std::string_view text, std::map<std::string, Variable>& out);

} // namespace davit::compose
