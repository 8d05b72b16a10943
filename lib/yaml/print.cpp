#include "yaml/print.hpp"

#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "base/units.hpp"
#include "yaml/scalar.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

namespace davit::yaml {

namespace {

bool is_hidden(std::string_view key) { return key.substr(0, 3) == "x-#"; }

bool is_escaped(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '$';
}

void append_escaped(std::string& out, std::string_view text, bool dollars) {
    while (true) {
        const auto special = std::find_if(text.begin(), text.end(), is_escaped);
        out.append(text.begin(), special);
        if (special == text.end()) return;
        switch (*special) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        case '$': out += dollars ? "$$" : "$"; break;
        default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(*special));
        }
        text.remove_prefix(static_cast<std::size_t>(special - text.begin()) + 1);
    }
}

// JSON has no exponent where Go writes none: from 1e-6 to 1e21.
std::string json_number(double v) {
    std::array<char, 400> buffer{};
    double magnitude = std::fabs(v);
    bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v,
                             exponent ? std::chars_format::scientific : std::chars_format::fixed);
    return {buffer.data(), end.ptr};
}

class JsonPrinter {
public:
    JsonPrinter(std::string& out, bool dollars) : out_(out), dollars_(dollars) {}

    void print(const Node& n, int depth) {
        switch (n.kind) {
        case Kind::null: out_ += "null"; break;
        case Kind::boolean: out_ += n.boolean ? "true" : "false"; break;
        case Kind::integer: out_ += std::to_string(n.integer); break;
        case Kind::real: out_ += json_number(n.real); break;
        case Kind::string: text(n.str()); break;
        case Kind::list: list(n, depth); break;
        case Kind::map: map(n, depth); break;
        }
    }

private:
    void text(std::string_view s) {
        out_ += '"';
        for (std::size_t bad; (bad = first_bad_utf8(s)) != std::string_view::npos; s.remove_prefix(bad + 1)) {
            append_escaped(out_, s.substr(0, bad), dollars_);
            out_ += "\\ufffd"; // JSON has only Unicode
        }
        append_escaped(out_, s, dollars_);
        out_ += '"';
    }
    void line(int depth) {
        out_ += '\n';
        out_.append(static_cast<std::size_t>(depth) * 2, ' ');
    }
    void list(const Node& n, int depth) {
        if (n.list().empty()) {
            out_ += "[]";
            return;
        }
        out_ += '[';
        bool first = true;
        for (const Node* item : n.list()) {
            if (!first) out_ += ',';
            first = false;
            line(depth + 1);
            print(*item, depth + 1);
        }
        line(depth);
        out_ += ']';
    }
    void map(const Node& n, int depth) {
        std::size_t start = out_.size();
        out_ += '{';
        bool first = true;
        for (const Entry& e : n.map()) {
            if (is_hidden(e.key)) continue;
            if (!first) out_ += ',';
            first = false;
            line(depth + 1);
            text(e.key);
            out_ += ": ";
            print(*e.value, depth + 1);
        }
        if (first) {
            out_.resize(start);
            out_ += "{}";
            return;
        }
        line(depth);
        out_ += '}';
    }

    std::string& out_;
    bool dollars_;
};

// What a byte means for the question of quotes.
enum : std::uint8_t { must_escape = 1, in_numbers = 2, never_first = 4 };
constexpr std::array<std::uint8_t, 256> byte_classes = [] {
    std::array<std::uint8_t, 256> out{};
    auto mark = [&](std::string_view bytes, std::uint8_t what) {
        for (char c : bytes) out[static_cast<unsigned char>(c)] |= what;
    };
    for (std::size_t i = 0; i < out.size(); ++i)
        if (i < 0x20 || i >= 0x7f) out[i] = must_escape;
    mark("0123456789abcdefABCDEF+-.:_xXoTtZz ", in_numbers); // numbers, times of day, dates
    mark("-?:,[]{}#&*!|>'\"%@`=<~ ", never_first);
    return out;
}();

std::uint8_t class_of(char c) { return byte_classes[static_cast<unsigned char>(c)]; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// true, null, yes and their like, in any case.
bool is_word_of_yaml(std::string_view text) {
    static constexpr std::array<std::string_view, 9> words = {"true", "false", "null", "yes", "no",
                                                              "on",   "off",   "y",    "n"};
    if (text.size() > 5) return false;
    std::array<char, 5> lower{};
    std::transform(text.begin(), text.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return std::find(words.begin(), words.end(), std::string_view(lower.data(), text.size())) != words.end();
}

// Whether some YAML reader takes the plain text for something else than this text.
bool needs_quotes(std::string_view text) {
    if (text.empty()) return true;
    const bool dash_word = text.size() > 1 && text[0] == '-' && (text[1] == '-' || is_letter(text[1]));
    if ((class_of(text[0]) & never_first) != 0 && !dash_word) return true;
    if (text.back() == ' ' || text.back() == ':') return true;
    std::uint8_t common = in_numbers;
    char before = '\0';
    for (char c : text) {
        const std::uint8_t what = class_of(c);
        if ((what & must_escape) != 0 || (c == ' ' && before == ':') || (c == '#' && before == ' ')) return true;
        common &= what;
        before = c;
    }
    if (common != 0 && (is_digit(text[0]) || text[0] == '.' || text[0] == '+' || text[0] == '-')) return true;
    if (text[0] == '.' && text.size() <= 4) return true; // .inf, .nan
    return is_word_of_yaml(text);
}

// A text of several lines that can stand as a block.
bool fits_block(std::string_view text) {
    if (text.find('\n') == std::string_view::npos || text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
    return text.find(" \n") == std::string_view::npos && printable(text, "\n\t") == text;
}

class YamlPrinter {
public:
    YamlPrinter(std::string& out, bool dollars) : out_(out), dollars_(dollars) {}

    void document(const Node& n) {
        if (n.is_map() && !n.map().empty()) return map(n, 0, true);
        if (n.is_list() && !n.list().empty()) return list(n, 0);
        value(n, 0);
    }

private:
    void indent(int depth) { out_.append(static_cast<std::size_t>(depth) * 2, ' '); }

    void map(const Node& n, int depth, bool indent_first) {
        for (const Entry& e : n.map()) {
            if (is_hidden(e.key)) continue;
            if (indent_first) indent(depth);
            indent_first = true;
            text(e.key, -1);
            out_ += ':';
            below(*e.value, depth + 1);
        }
    }

    void list(const Node& n, int depth) {
        for (const Node* item : n.list()) {
            indent(depth);
            out_ += '-';
            if (item->is_map() && !item->map().empty()) {
                out_ += ' ';
                map(*item, depth + 1, false);
            } else {
                below(*item, depth + 1);
            }
        }
    }

    // After "key:" or "-".
    void below(const Node& n, int depth) {
        if (n.is_map() && !n.map().empty()) {
            out_ += '\n';
            return map(n, depth, true);
        }
        if (n.is_list() && !n.list().empty()) {
            out_ += '\n';
            return list(n, depth);
        }
        out_ += ' ';
        value(n, depth);
    }

    void value(const Node& n, int depth) {
        switch (n.kind) {
        case Kind::null: out_ += "null"; break;
        case Kind::list: out_ += "[]"; break;
        case Kind::map: out_ += "{}"; break;
        case Kind::string: return text_line(n.str(), depth);
        default: out_ += to_text(n);
        }
        out_ += '\n';
    }

    void text_line(std::string_view s, int depth) {
        if (!fits_block(s) || first_bad_utf8(s) != std::string_view::npos) {
            text(s, depth);
            out_ += '\n';
            return;
        }
        std::size_t ends = s.size() - (s.find_last_not_of('\n') + 1);
        out_ += ends == 0 ? "|-" : ends == 1 ? "|" : "|+";
        if (ends) s.remove_suffix(1);
        while (true) {
            std::size_t end = s.find('\n');
            out_ += '\n';
            if (end != 0 && !s.empty()) indent(depth);
            dollars(s.substr(0, end));
            if (end == std::string_view::npos) break;
            s.remove_prefix(end + 1);
        }
        out_ += '\n';
    }

    void dollars(std::string_view s) {
        for (std::size_t at; dollars_ && (at = s.find('$')) != std::string_view::npos; s.remove_prefix(at + 1))
            out_.append(s.substr(0, at)).append("$$");
        out_.append(s);
    }

    // What a variable of the environment may hold and a YAML file may not.
    void binary(std::string_view s) {
        std::string bytes;
        for (char c : s) bytes.append(c == '$' && dollars_ ? 2 : 1, c);
        out_ += "!!binary " + base64_encode(bytes);
    }

    void text(std::string_view s, int) {
        if (!needs_quotes(s)) return dollars(s);
        if (first_bad_utf8(s) != std::string_view::npos) return binary(s);
        if (s.find('\'') == std::string_view::npos && printable(s) == s) {
            out_ += '\'';
            dollars(s);
            out_ += '\'';
            return;
        }
        std::string quoted;
        append_escaped(quoted, s, dollars_);
        out_ += '"' + printable(quoted) + '"'; // what is left to escape are \u and \U: YAML's own
    }

    std::string& out_;
    bool dollars_;
};

} // namespace

std::string print_yaml(const Node& n, bool escape) {
    std::string out;
    YamlPrinter(out, escape).document(n);
    return out;
}

std::string print_json(const Node& n, bool escape) {
    std::string out;
    JsonPrinter(out, escape).print(n, 0);
    out += '\n';
    return printable_json(out);
}

} // namespace davit::yaml
