#include "compose/template.hpp"

#include <fmt/format.h>

namespace davit::compose {

namespace {

bool is_name_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::size_t name_length(std::string_view text) {
    if (text.empty() || !is_name_start(text[0])) return 0;
    std::size_t n = 1;
    while (n < text.size() && is_name(text[n])) ++n;
    return n;
}

// One element of a text that starts with a dollar.
struct Element {
    enum class Kind { literal, variable, invalid } kind = Kind::literal;
    std::size_t length = 1;
    std::string_view name{};
    std::string_view op{};   // "", ":-", "-", ":?", "?", ":+", "+"
    std::string_view word{}; // after the operator
};

// The closing brace of "${NAME op word}": the one that balances all braces of the line or, if the
// line does not balance, its last one.
std::size_t closing_brace(std::string_view line) {
    int depth = 0;
    std::size_t last = std::string_view::npos;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '{') ++depth;
        if (line[i] != '}') continue;
        last = i;
        if (--depth == 0) return i;
    }
    return last;
}

Element read_braced(std::string_view text) {
    Element e{Element::Kind::invalid, text.size()};
    std::string_view line = text.substr(0, text.find('\n'));
    std::size_t n = name_length(line.substr(2));
    std::size_t close = closing_brace(line);
    e.length = close == std::string_view::npos ? line.size() : close + 1;
    if (n == 0 || n + 2 >= line.size()) return e;
    e.name = line.substr(2, n);
    std::size_t i = 2 + n;
    if (line[i] == '}') {
        e.kind = Element::Kind::variable;
        e.length = i + 1;
        return e;
    }
    std::size_t op = line[i] == ':' ? i + 1 : i;
    if (op >= line.size() || std::string_view("-?+").find(line[op]) == std::string_view::npos) return e;
    if (close == std::string_view::npos || close <= op) return e;
    e.kind = Element::Kind::variable;
    e.op = line.substr(i, op + 1 - i);
    e.word = line.substr(op + 1, close - op - 1);
    return e;
}

Element read_element(std::string_view text) {
    if (text.size() < 2) return {};
    if (text[1] == '$') return {Element::Kind::literal, 2};
    if (text[1] == '{') return read_braced(text);
    std::size_t n = name_length(text.substr(1));
    if (n == 0) return {};
    return {Element::Kind::variable, n + 1, text.substr(1, n)};
}

class Expander {
public:
    Expander(const Lookup& lookup, Expansion& result) : lookup_(lookup), result_(result) {}

    bool run(std::string_view text, std::string& out, int depth = 0) {
        for (std::size_t i = 0; i < text.size();) {
            std::size_t dollar = text.find('$', i);
            if (dollar == std::string_view::npos) dollar = text.size();
            out.append(text, i, dollar - i);
            if (dollar == text.size()) break;
            if (depth == 0) offset_ = dollar;
            Element e = read_element(text.substr(dollar));
            if (!apply(e, text.substr(dollar, e.length), out, depth)) return false;
            i = dollar + e.length;
        }
        return true;
    }

private:
    bool fail(TemplateError::Kind kind, std::string message) {
        result_.error = TemplateError{kind, offset_, std::move(message)};
        return false;
    }

    bool apply(const Element& e, std::string_view source, std::string& out, int depth) {
        constexpr int deepest = 100;
        if (e.kind == Element::Kind::literal) {
            out += '$';
            return true;
        }
        if (e.kind == Element::Kind::invalid || depth > deepest)
            return fail(TemplateError::Kind::invalid, std::string(source));
        const std::string* value = lookup_(e.name);
        bool colon = !e.op.empty() && e.op[0] == ':';
        bool present = value && !(colon && value->empty());
        switch (e.op.empty() ? '\0' : e.op.back()) {
        case '-':
            if (!present) return run(e.word, out, depth + 1);
            break;
        case '+': return !present || run(e.word, out, depth + 1);
        case '?':
            if (!present) return required(e, depth);
            break;
        default:
            if (!present) result_.unset.emplace_back(e.name);
        }
        if (value) out += *value;
        if (out.size() <= most_expanded) return true;
        return fail(TemplateError::Kind::too_large,
                    fmt::format("{} makes this text larger than {} MiB", source, most_expanded >> 20));
    }

    bool required(const Element& e, int depth) {
        std::string text;
        if (!run(e.word, text, depth + 1)) return false;
        return fail(
            TemplateError::Kind::required,
            fmt::format("the variable {} {}{}{}", e.name, "must be given a value", text.empty() ? "" : ": ", text));
    }

    const Lookup& lookup_;
    Expansion& result_;
    std::size_t offset_ = 0;
};

} // namespace

Expansion expand(std::string_view text, const Lookup& lookup) {
    Expansion out;
    Expander(lookup, out).run(text, out.text);
    return out;
}

void collect_variables(std::string_view text, std::map<std::string, Variable>& out) {
    for (std::size_t i = text.find('$'); i != std::string_view::npos; i = text.find('$', i)) {
        Element e = read_element(text.substr(i));
        i += e.length;
        if (e.kind != Element::Kind::variable) continue;
        Variable v{std::string(e.name), {}, {}, false};
        char op = e.op.empty() ? '\0' : e.op.back();
        if (op == '-') v.default_value = e.word;
        if (op == '+') v.alternate_value = e.word;
        v.required = op == '?';
        // One of several places may say more than the others.
        if (auto [known, fresh] = out.emplace(v.name, v); !fresh) {
            if (known->second.default_value.empty()) known->second.default_value = v.default_value;
            if (known->second.alternate_value.empty()) known->second.alternate_value = v.alternate_value;
            known->second.required = known->second.required || v.required;
        }
        if (op == '-' || op == '+') collect_variables(e.word, out);
    }
}

} // namespace davit::compose
