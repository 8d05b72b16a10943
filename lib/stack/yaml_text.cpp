#include "stack/print.hpp"

#include "yaml/scalar.hpp"
#include "yaml/text.hpp"

#include <algorithm>
#include <array>

namespace davit::stack {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// y, yes, off and their like, booleans of YAML 1.1; and numbers to the base 60.
bool is_old_word(std::string_view text) {
    static constexpr std::array<std::string_view, 8> words = {"y", "Y", "yes", "on", "n", "N", "no", "off"};
    std::string lower;
    for (char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool cased = text == lower || (text.size() > 1 && std::string_view(lower).substr(1) == text.substr(1)) ||
                       std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    return cased && std::find(words.begin(), words.end(), std::string_view(lower)) != words.end();
}
bool is_base_60(std::string_view text) {
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    if (text.find(':') == std::string_view::npos || !is_digit(text[0])) return false;
    text = text.substr(0, text.find('.'));
    std::size_t part = std::min(text.find_first_not_of("0123456789_"), text.size());
    while (part < text.size()) {
        const std::size_t end = std::min(text.find(':', part + 1), text.size());
        const std::string_view digits = text.substr(part + 1, end - part - 1);
        const bool sixty = (digits.size() == 1 || (digits.size() == 2 && digits[0] <= '5')) &&
                           digits.find_first_not_of("0123456789") == std::string_view::npos;
        if (text[part] != ':' || !sixty) return false;
        part = end;
    }
    return true;
}

bool reads_as_text(std::string_view text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL" || text == "<<") return false;
    yaml::Tree tree;
    const yaml::Node* n = yaml::resolve_plain(tree, text, {});
    return n->is_string() && !n->timestamp && !is_old_word(text) && !is_base_60(text);
}

bool printable_line(std::string_view text) {
    return yaml::first_bad_utf8(text) == std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
               return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
           });
}

bool may_stand_plain(std::string_view text) {
    if (text.front() == ' ' || text.back() == ' ' || text.find('\t') != std::string_view::npos) return false;
    if (std::string_view("#,[]{}&*!|>'\"%@`").find(text.front()) != std::string_view::npos) return false;
    if (std::string_view("-?:").find(text.front()) != std::string_view::npos && (text.size() == 1 || text[1] == ' '))
        return false;
    if (text.starts_with("---") || text.starts_with("...")) return false;
    return text.back() != ':' && text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

std::string double_quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
            else out += c;
        }
    }
    return out + '"';
}

std::string literal_block(std::string_view text, int indent) {
    const std::size_t ends = text.size() - std::min(text.size(), text.find_last_not_of('\n') + 1);
    std::string out = ends == 0 ? "|-" : ends == 1 ? "|" : "|+";
    if (text.front() == ' ' || text.front() == '\n') out.insert(1, "2"); // the reader cannot tell the depth by itself
    if (ends) text.remove_suffix(1);
    while (true) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        out += '\n';
        if (!line.empty()) out.append(static_cast<std::size_t>(indent) * 2, ' ').append(line);
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

} // namespace

std::string yaml_text(std::string_view text, int indent) {
    if (text.find('\n') != std::string_view::npos) {
        std::string flat(text);
        std::replace(flat.begin(), flat.end(), '\n', ' ');
        return printable_line(flat) ? literal_block(text, indent) : double_quoted(text);
    }
    if (!printable_line(text) || !reads_as_text(text)) return double_quoted(text);
    if (may_stand_plain(text)) return std::string(text);
    std::string out = "'";
    for (char c : text) out.append(c == '\'' ? 2 : 1, c);
    return out + "'";
}

// Where two names part: a letter comes after anything else, but before what would end a number; two numbers are
// compared by value, then by how many digits they have.
bool natural_less(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
    if (i == a.size() || i == b.size()) return a.size() < b.size();
    const bool after_digit = i > 0 && is_digit(a[i - 1]);
    if (is_letter(a[i]) && is_letter(b[i])) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
    if (is_letter(a[i]) || is_letter(b[i])) return after_digit ? is_letter(a[i]) : is_letter(b[i]);
    auto digits = [&](std::string_view text) {
        std::size_t end = i;
        while (end < text.size() && is_digit(text[end])) ++end;
        return text.substr(i, end - i);
    };
    const std::string_view x = digits(a), y = digits(b);
    auto value = [](std::string_view number) {
        return number.substr(std::min(number.find_first_not_of('0'), number.size()));
    };
    const bool inside = after_digit; // zeros count where a number has begun before
    const std::string_view m = inside ? x : value(x), n = inside ? y : value(y);
    if (m.size() != n.size()) return m.size() < n.size();
    if (m != n) return m < n;
    if (x.size() != y.size()) return x.size() < y.size();
    return a[i] < b[i];
}

} // namespace davit::stack
