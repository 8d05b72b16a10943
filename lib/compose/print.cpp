#include "compose/print.hpp"

#include "base/units.hpp"
#include "compose/scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace davit::compose {

namespace {

bool is_hidden(std::string_view key) { return key.substr(0, 3) == "x-#"; }

void append_escaped(std::string& out, std::string_view text, bool dollars) {
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        case '$': out += dollars ? "$$" : "$"; break;
        default:
            if (byte < 0x20 || byte == 0x7f) fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
            else out += c;
        }
    }
}

// JSON has no exponent where Go writes none: from 1e-6 to 1e21.
std::string json_number(double v) {
    std::array<char, 400> buffer{};
    double magnitude = std::fabs(v);
    bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, exponent ? std::chars_format::scientific : std::chars_format::fixed);
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

// Whether some YAML reader takes the plain text for something else than this text.
bool needs_quotes(std::string_view text) {
    if (text.empty()) return true;
    constexpr std::string_view first_bad = "-?:,[]{}#&*!|>'\"%@`=<~ ";
    bool dash_word = text.size() > 1 && text[0] == '-' && (text[1] == '-' || std::isalpha(static_cast<unsigned char>(text[1])));
    if (first_bad.find(text[0]) != std::string_view::npos && !dash_word) return true;
    if (text.back() == ' ' || text.back() == ':') return true;
    if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) return true;
    bool digits_only = true; // numbers, times of day, dates
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) return true;
        if (!std::isdigit(byte) && std::string_view("+-.:_eExXoTtZz ").find(c) == std::string_view::npos && !(byte >= 'a' && byte <= 'f') && !(byte >= 'A' && byte <= 'F')) digits_only = false;
    }
    bool starts_number = std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '.' || text[0] == '+' || text[0] == '-';
    if (digits_only && starts_number) return true;
    if (text[0] == '.' && text.size() <= 4) return true; // .inf, .nan
    static constexpr std::array<std::string_view, 9> words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    std::string lower;
    for (char c : text.substr(0, 6)) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text.size() <= 5 && std::find(words.begin(), words.end(), lower) != words.end();
}

// A text of several lines that can stand as a block.
bool fits_block(std::string_view text) {
    if (text.find('\n') == std::string_view::npos || text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t'; }) &&
           text.find(" \n") == std::string_view::npos && text.find('\x7f') == std::string_view::npos;
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
        if (!fits_block(s)) {
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
        for (char c : s) {
            out_ += c;
            if (c == '$' && dollars_) out_ += '$';
        }
    }

    void text(std::string_view s, int) {
        if (!needs_quotes(s)) return dollars(s);
        bool plain_bytes = std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '\x7f'; });
        if (plain_bytes && s.find('\'') == std::string_view::npos) {
            out_ += '\'';
            dollars(s);
            out_ += '\'';
            return;
        }
        out_ += '"';
        append_escaped(out_, s, dollars_);
        out_ += '"';
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
    return out;
}

} // namespace davit::compose
