#include "yaml/scalar_style.hpp"

#include "base/printable.hpp"
#include "yaml/scalar.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

namespace davit::yaml {

namespace {

constexpr std::size_t best_width = 80;

bool is_figure(char c) { return c >= '0' && c <= '9'; }
bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// What a byte means for the choice of a style.
enum : std::uint8_t { special_byte = 1, indicator = 2, may_resolve = 4 };
constexpr std::array<std::uint8_t, 256> byte_classes = [] {
    std::array<std::uint8_t, 256> out{};
    auto mark = [&](std::string_view bytes, std::uint8_t what) {
        for (char c : bytes) out[static_cast<unsigned char>(c)] |= what;
    };
    for (std::size_t i = 0; i < out.size(); ++i)
        if ((i < 0x20 && i != '\n' && i != '\t') || i == 0x7f || i >= 0xf0) out[i] = special_byte;
    mark("#,[]{}&*!|>'\"%@`", indicator);
    mark("0123456789+-.~nNtTfF", may_resolve);
    return out;
}();

std::uint8_t class_of(char c) { return byte_classes[static_cast<unsigned char>(c)]; }

// yes, no and their like, which only YAML 1.1 takes for booleans, and the key of a merge.
bool is_old_word(std::string_view text) {
    static constexpr std::array<std::string_view, 17> words = {"y", "Y",  "yes", "Yes", "YES", "on",  "On",  "ON", "n",
                                                               "N", "no", "No",  "NO",  "off", "Off", "OFF", "<<"};
    return text.size() <= 3 && std::find(words.begin(), words.end(), text) != words.end();
}

// [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
bool is_base_60(std::string_view text) {
    std::size_t i = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    if (i >= text.size() || !is_figure(text[i])) return false;
    while (i < text.size() && (is_figure(text[i]) || text[i] == '_')) ++i;
    std::size_t parts = 0;
    for (; i < text.size() && text[i] == ':'; ++parts) {
        std::size_t digits = 0;
        while (i + 1 + digits < text.size() && is_figure(text[i + 1 + digits])) ++digits;
        if (digits == 0 || digits > 2 || (digits == 2 && text[i + 1] > '5')) return false;
        i += 1 + digits;
    }
    if (parts > 0 && i < text.size() && text[i] == '.')
        for (++i; i < text.size() && (is_figure(text[i]) || text[i] == '_');) ++i;
    return parts > 0 && i == text.size();
}

// A number beyond 64 bits is one all the same.
bool is_all_digits(std::string_view text) {
    const std::size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
    return text.size() > sign && text.find_first_not_of("0123456789_", sign) == std::string_view::npos &&
           is_figure(text[sign]);
}

bool reads_as_text(std::string_view text) {
    if (text.empty()) return false;
    if ((class_of(text[0]) & may_resolve) == 0) return true;
    Tree scratch;
    const Node* node = resolve_plain(scratch, text, {});
    return node->is_string() && !node->timestamp && node->str() == text && !is_all_digits(text);
}

// What stands in a text, as far as it forbids a style.
struct Analysis {
    bool indicators = false, blank_ends = false, trailing_blank = false;
    bool space_then_break = false, tab = false, special = false;
};

bool is_special(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) return true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((class_of(text[i]) & special_byte) != 0) return true;
        if (text[i] != '\xef') continue;
        const std::string_view three = text.substr(i, 3); // U+FEFF, and U+FFFE and U+FFFF, which are no characters
        if (three == "\xef\xbb\xbf" || three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf") return true;
    }
    return printable(text, "\n\t") != text; // what turns the direction of writing is shown by its number
}

Analysis analyse(std::string_view text) {
    Analysis out;
    out.indicators = text.starts_with("---") || text.starts_with("...");
    bool ascii = true;
    char before = '\n';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool blank_follows = i + 1 == text.size() || is_white(text[i + 1]);
        if (static_cast<unsigned char>(c) >= 0x80 || (class_of(c) & special_byte) != 0) ascii = false;
        if (i == 0 && ((class_of(c) & indicator) != 0 || ((c == '-' || c == '?') && blank_follows)))
            out.indicators = true;
        if (c == ':' && blank_follows) out.indicators = true;
        if (c == '#' && is_white(before)) out.indicators = true;
        if (c == '\t') out.tab = true;
        if (c == '\n' && before == ' ') out.space_then_break = true;
        before = c;
    }
    if (!text.empty()) out.trailing_blank = text.back() == ' ';
    out.blank_ends = !text.empty() && (is_white(text.front()) || is_white(text.back()));
    out.special = !ascii && is_special(text);
    return out;
}

std::string escape_of(unsigned code) {
    switch (code) {
    case 0x00: return "\\0";
    case 0x07: return "\\a";
    case 0x08: return "\\b";
    case 0x09: return "\\t";
    case 0x0a: return "\\n";
    case 0x0b: return "\\v";
    case 0x0c: return "\\f";
    case 0x0d: return "\\r";
    case 0x1b: return "\\e";
    case 0x85: return "\\N";
    case 0x2028: return "\\L";
    case 0x2029: return "\\P";
    default:
        return code <= 0xff     ? fmt::format("\\x{:02X}", code)
               : code <= 0xffff ? fmt::format("\\u{:04X}", code)
                                : fmt::format("\\U{:08X}", code);
    }
}

// The character at the start of valid UTF-8, and its bytes.
std::pair<unsigned, std::size_t> code_point(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned code = size == 1 ? first : first & (0x7fU >> size);
    for (std::size_t i = 1; i < size && i < text.size(); ++i)
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
    return {code, size};
}

// Writes one scalar; keeps count of the columns for the folding.
class Writer {
public:
    Writer(std::string& out, std::size_t column, std::size_t indent, bool fold)
        : out_(out), column_(column), indent_(indent), fold_(fold) {}

    void plain(std::string_view text) {
        bool spaces = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != ' ') put(text[i]);
            else if (may_fold(spaces) && text[i + 1] != ' ') next_line();
            else put(' ');
            spaces = text[i] == ' ';
        }
    }

    void single_quoted(std::string_view text) {
        put('\'');
        bool spaces = false, breaks = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            if (c == ' ') {
                const bool inside = i > 0 && i + 1 < text.size() && text[i + 1] != ' ';
                if (inside && may_fold(spaces)) next_line();
                else put(' ');
            } else if (c == '\n') {
                if (!breaks) out_ += '\n';
                out_ += '\n';
            } else {
                if (breaks) out_.append(indent_, ' '), column_ = indent_;
                if (c == '\'') put('\'');
                put(c);
            }
            spaces = c == ' ';
            breaks = c == '\n';
        }
        put('\'');
    }

    void double_quoted(std::string_view text) {
        put('"');
        bool spaces = false;
        for (std::size_t i = 0; i < text.size();) {
            const auto [code, size] = code_point(text.substr(i));
            const std::string_view bytes = text.substr(i, size);
            if (code == ' ' && may_fold(spaces) && i > 0 && i + 1 < text.size()) {
                next_line();
                if (text[i + 1] == ' ') put('\\');
            } else if (code == '"' || code == '\\') {
                put('\\');
                put(bytes[0]);
            } else if (code == '\n' || code == '\t' || is_special(bytes)) {
                for (char c : escape_of(code)) put(c);
            } else {
                out_ += bytes;
                ++column_;
            }
            spaces = code == ' ';
            i += size;
        }
        put('"');
    }

    void literal(std::string_view text) {
        out_ += '|';
        // Docker Compose looks at the first line alone, and does not read back what it wrote after an empty one.
        if (text[text.find_first_not_of('\n')] == ' ') out_ += '2';
        const std::size_t ends = text.size() - (text.find_last_not_of('\n') + 1);
        if (ends == 0) out_ += '-';
        else text.remove_suffix(1);
        if (ends > 1) out_ += '+';
        for (std::size_t at = 0; at <= text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            out_ += '\n';
            if (end > at) out_.append(indent_, ' ').append(text.substr(at, end - at));
            at = end + 1;
        }
    }

private:
    void put(char c) {
        out_ += c;
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++column_;
    }
    bool may_fold(bool after_space) const { return fold_ && !after_space && column_ > best_width; }
    void next_line() {
        out_ += '\n';
        out_.append(indent_, ' ');
        column_ = indent_;
    }

    std::string& out_;
    std::size_t column_, indent_;
    bool fold_;
};

} // namespace

ScalarStyle scalar_style(std::string_view text, bool simple_key) {
    const bool several_lines = text.find('\n') != std::string_view::npos;
    const bool as_text = several_lines || reads_as_text(text);
    if (!as_text) return ScalarStyle::double_quoted;
    const Analysis found = analyse(text);
    if (several_lines && !simple_key && !found.special && !found.space_then_break && !found.trailing_blank &&
        text.find_first_not_of('\n') != std::string_view::npos)
        return ScalarStyle::literal;
    if (found.special || found.tab || found.space_then_break || several_lines) return ScalarStyle::double_quoted;
    if (found.indicators || found.blank_ends || is_old_word(text) || is_base_60(text))
        return ScalarStyle::single_quoted;
    return ScalarStyle::plain;
}

void write_scalar(std::string& out, std::string_view text, std::size_t column, std::size_t indent, bool simple_key) {
    Writer writer(out, column, indent, !simple_key);
    switch (scalar_style(text, simple_key)) {
    case ScalarStyle::plain: return writer.plain(text);
    case ScalarStyle::single_quoted: return writer.single_quoted(text);
    case ScalarStyle::double_quoted: return writer.double_quoted(text);
    case ScalarStyle::literal: return writer.literal(text);
    }
}

} // namespace davit::yaml
