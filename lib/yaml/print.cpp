#include "yaml/print.hpp"

#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "yaml/natural_order.hpp"
#include "yaml/scalar.hpp"
#include "yaml/scalar_style.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <span>
#include <vector>

namespace davit::yaml {

namespace {

bool is_hidden(std::string_view key) { return key.substr(0, 3) == "x-#"; }

bool is_escaped(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '$';
}

// <, > and & stand in strings only; backspace and form feed have short escapes.
std::string go_escaped(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (c == '\\') {
            const std::string_view rest = json.substr(i, 6);
            const bool is_short = rest == "\\u0008" || rest == "\\u000c";
            if (is_short) out += rest == "\\u0008" ? "\\b" : "\\f";
            else out += rest.substr(0, 2);
            i += is_short ? 5 : 1;
        } else if (c == '<' || c == '>' || c == '&') {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out;
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
        case Kind::string:
            if (n.large) out_ += n.str();
            else text(n.timestamp ? rfc3339(n.str()) : n.str());
            break;
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
        std::vector<Entry> sorted;
        const auto by_key = [](const Entry& a, const Entry& b) { return a.key < b.key; };
        if (n.own_keys && !std::is_sorted(n.map().begin(), n.map().end(), by_key)) {
            sorted.assign(n.map().begin(), n.map().end());
            std::stable_sort(sorted.begin(), sorted.end(), by_key);
        }
        for (const Entry& e : sorted.empty() ? n.map() : std::span<Entry>(sorted)) {
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

class YamlPrinter {
public:
    YamlPrinter(std::string& out, bool dollars, std::size_t step) : out_(out), dollars_(dollars), step_(step) {}

    void document(const Node& n) {
        if (n.is_map() && !n.map().empty()) return map(n, 0, true);
        if (n.is_list() && !n.list().empty()) return list(n, 0, true);
        value(n, 0);
    }

private:
    std::size_t columns(int depth) const { return static_cast<std::size_t>(depth) * step_; }
    void indent(int depth) { out_.append(columns(depth), ' '); }

    void map(const Node& n, int depth, bool indent_first) {
        const auto natural = [](const Entry& a, const Entry& b) { return comes_before(a.key, b.key); };
        if (!n.own_keys || std::is_sorted(n.map().begin(), n.map().end(), natural))
            return entries(n.map(), depth, indent_first);
        std::vector<Entry> sorted(n.map().begin(), n.map().end());
        std::stable_sort(sorted.begin(), sorted.end(), natural);
        entries(sorted, depth, indent_first);
    }

    void entries(std::span<const Entry> all, int depth, bool indent_first) {
        for (const Entry& e : all) {
            if (is_hidden(e.key)) continue;
            if (indent_first) indent(depth);
            indent_first = true;
            if (is_simple_key(e.key)) {
                text(e.key, depth, true);
                out_ += ':';
                below(*e.value, depth + 1);
                continue;
            }
            out_ += "? ";
            text(e.key, depth + 1, false);
            out_ += '\n';
            indent(depth);
            out_ += ':';
            beside(*e.value, depth + 1);
        }
    }

    void list(const Node& n, int depth, bool indent_first) {
        for (const Node* item : n.list()) {
            if (indent_first) indent(depth);
            indent_first = true;
            out_ += '-';
            beside(*item, depth + 1);
        }
    }

    // Behind "-", or the ":" of a key that has lines of its own.
    void beside(const Node& n, int depth) {
        if (n.is_map() && !n.map().empty()) {
            out_ += ' ';
            map(n, depth, false);
        } else if (n.is_list() && !n.list().empty()) {
            out_ += ' ';
            list(n, depth, false);
        } else {
            below(n, depth);
        }
    }

    // What Docker Compose writes on the line of its value.
    static bool is_simple_key(std::string_view key) {
        const auto has = [&](std::string_view line_break) { return key.find(line_break) != std::string_view::npos; };
        return key.size() <= 128 && !has("\n") && !has("\r") && !has("\xc2\x85") && !has("\xe2\x80\xa8") &&
               !has("\xe2\x80\xa9");
    }

    // After "key:" or "-".
    void below(const Node& n, int depth) {
        if (n.is_map() && !n.map().empty()) {
            out_ += '\n';
            return map(n, depth, true);
        }
        if (n.is_list() && !n.list().empty()) {
            out_ += '\n';
            return list(n, depth, true);
        }
        out_ += ' ';
        value(n, depth);
    }

    void value(const Node& n, int depth) {
        switch (n.kind) {
        case Kind::null: out_ += "null"; break;
        case Kind::list: out_ += "[]"; break;
        case Kind::map: out_ += "{}"; break;
        case Kind::string:
            if (n.is_text()) text(n.str(), depth, false);
            else out_ += n.large ? std::string(n.str()) : rfc3339(n.str());
            break;
        default: out_ += to_text(n);
        }
        out_ += '\n';
    }

    // What a variable of the environment may hold and a YAML file may not.
    void binary(std::string_view s) {
        std::string bytes;
        for (char c : s) bytes.append(c == '$' && dollars_ ? 2 : 1, c);
        out_ += "!!binary " + base64_encode(bytes);
    }

    void text(std::string_view s, int depth, bool key) {
        if (first_bad_utf8(s) != std::string_view::npos) return binary(s);
        const std::size_t line = out_.rfind('\n') + 1; // npos + 1: the first one
        const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
        const auto column = std::count_if(out_.begin() + static_cast<std::ptrdiff_t>(line), out_.end(), is_first_byte);
        write_scalar(out_, s, static_cast<std::size_t>(column), columns(depth), key);
    }

    std::string& out_;
    bool dollars_;           // doubled in what is not text; the rest when all stands there
    const std::size_t step_; // of the indentation
};

} // namespace

std::string print_yaml(const Node& n, bool escape, std::size_t step) {
    std::string out;
    YamlPrinter(out, escape, step).document(n);
    if (!escape) return out;
    std::string escaped; // once the lines are folded
    escaped.reserve(out.size());
    for (char c : out) escaped.append(c == '$' ? 2 : 1, c);
    return escaped;
}

std::string print_json(const Node& n, bool escape) {
    std::string out;
    JsonPrinter(out, escape).print(n, 0);
    out += '\n';
    return go_escaped(printable_json(out));
}

std::string print_json_for_hash(const Node& n) {
    std::string out;
    JsonPrinter(out, false).print(n, 0);
    out += '\n';
    return printable_json(out);
}

} // namespace davit::yaml
