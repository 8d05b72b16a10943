#include "yaml/text.hpp"

#include "base/printable.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace davit::yaml {

namespace {

// The length of the character at i; 0 if it is none.
std::size_t sequence(std::string_view text, std::size_t i) {
    auto c = static_cast<unsigned char>(text[i]);
    std::size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (n == 0 || i + n > text.size()) return 0;
    for (std::size_t k = 1; k < n; ++k)
        if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return 0;
    auto second = static_cast<unsigned char>(text[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0)) return 0; // overlong, surrogate
    if ((c == 0xf0 && second < 0x90) || (c == 0xf4 && second >= 0x90)) return 0; // overlong, too large
    return n;
}

Pos position(std::string_view text, std::size_t offset, std::uint16_t file) {
    Pos pos{1, 1, file};
    for (std::size_t i = 0; i < offset; ++i) {
        if (text[i] == '\n') {
            ++pos.line;
            pos.column = 1;
        } else if (pos.column < 65535) {
            ++pos.column;
        }
    }
    return pos;
}

std::size_t first_control(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) return i;
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
        if (c == 0xc2 && next >= 0x80 && next < 0xa0 && next != 0x85) return i; // C1 but NEL, as YAML's c-printable
    }
    return std::string_view::npos;
}

// A line "%YAML 1.2" before a document.
std::size_t foreign_version(std::string_view text) {
    constexpr std::string_view word = "%YAML";
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        if (at != 0 && text[at - 1] != '\n') continue;
        std::string_view rest = text.substr(at + word.size());
        rest = rest.substr(0, rest.find_first_of("\r\n#"));
        std::size_t digits = rest.find_first_not_of(" \t");
        if (digits == 0 || digits == std::string_view::npos) continue;
        if (rest.substr(digits, rest.find_last_not_of(" \t") + 1 - digits) != "1.1") return at;
    }
    return std::string_view::npos;
}

// text: behind the byte order mark.
std::optional<std::string> utf16_to_utf8(std::string_view text, bool big_endian) {
    if (text.size() % 2 != 0) return std::nullopt;
    const auto unit = [&](std::size_t i) {
        const auto byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(text[at])); };
        return big_endian ? byte(i) << 8 | byte(i + 1) : byte(i + 1) << 8 | byte(i);
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); i += 2) {
        unsigned code = unit(i);
        if (code >= 0xdc00 && code < 0xe000) return std::nullopt;
        if (code >= 0xd800 && code < 0xdc00) {
            if ((i += 2) >= text.size()) return std::nullopt;
            const unsigned low = unit(i);
            if (low < 0xdc00 || low >= 0xe000) return std::nullopt;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(out, code);
    }
    return out;
}

// The length of a line break at i that is none to yaml-cpp; 0 if there is none.
std::size_t foreign_break(std::string_view text, std::size_t i) {
    if (text[i] == '\r') return text.substr(i + 1, 1) == "\n" ? 0 : 1;
    return text.substr(i, 2) == "\xc2\x85" ? 2 : 0;
}

bool is_word_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

std::size_t end_of_words(std::string_view text, std::size_t at) {
    while (at < text.size() && is_word_byte(text[at])) ++at;
    return at;
}

std::size_t end_of_tag(std::string_view text) {
    if (text.starts_with("!<")) return std::min(text.find('>'), text.size() - 1) + 1;
    constexpr std::string_view others = ";/?:@&=+$.!~*'()%";
    std::size_t end = 1;
    while (end < text.size() && (is_word_byte(text[end]) || others.find(text[end]) != std::string_view::npos)) ++end;
    return end;
}

// Without blanks, line ends and comments before it.
std::string_view from_next_word(std::string_view text) {
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        if (!text.starts_with('#')) return text;
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
}

bool declares_handle(std::string_view file, std::string_view handle) {
    constexpr std::string_view word = "%TAG";
    for (std::size_t at = file.find(word); at != std::string_view::npos; at = file.find(word, at + 1)) {
        if (at != 0 && file[at - 1] != '\n') continue;
        const std::string_view line = file.substr(at + word.size(), file.find('\n', at) - at - word.size());
        const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
        if (line.substr(begin, line.find_first_of(" \t\r", begin) - begin) == handle) return true;
    }
    return false;
}

} // namespace

std::string canonical_text(std::string text) {
    const std::string_view mark = std::string_view(text).substr(0, 2);
    if (mark == "\xff\xfe" || mark == "\xfe\xff")
        if (auto converted = utf16_to_utf8(std::string_view(text).substr(2), mark[0] == '\xfe'))
            text = std::move(*converted);
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3); // the parser counts without it
    std::size_t end = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t n = foreign_break(text, i);
        text[end++] = n != 0 ? '\n' : text[i];
        i += n != 0 ? n : 1;
    }
    text.resize(end);
    return text;
}

std::size_t first_bad_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            ++i;
            continue;
        }
        std::size_t n = sequence(text, i);
        if (n == 0) return i;
        i += n;
    }
    return std::string_view::npos;
}

std::string property_fault(std::string_view text, std::string_view file) {
    for (int i = 0; i < 2; ++i, text = from_next_word(text)) { // one of each, in any order
        std::size_t end = 0;
        if (text.starts_with('&')) {
            end = end_of_words(text, 1);
            if (end < text.size() && std::string_view(" \t\r\n,]}").find(text[end]) == std::string_view::npos)
                return "the name of an anchor is of letters, digits, - and _";
        } else if (text.starts_with('!')) {
            const std::size_t word = end_of_words(text, 1);
            const std::string_view handle = text.substr(0, word + 1);
            if (word > 1 && handle.ends_with('!') && !declares_handle(file, handle))
                return fmt::format("no %TAG line tells what the {} of this tag is", handle);
            end = end_of_tag(text);
            if (end < text.size() && std::string_view(" \t\r\n").find(text[end]) == std::string_view::npos)
                return "a blank must stand behind a tag";
        } else {
            return "";
        }
        text.remove_prefix(end);
    }
    return "";
}

bool check_yaml_text(std::string_view text, std::uint16_t file, Reporter& reporter) {
    std::size_t control = first_control(text);
    std::size_t broken = first_bad_utf8(text);
    if (control < broken) {
        const auto lead = static_cast<unsigned char>(text[control]);
        const unsigned code = lead == 0xc2 ? static_cast<unsigned char>(text[control + 1]) : lead;
        reporter.error(position(text, control, file), {},
                       fmt::format("the file has a control character here (0x{:02x})", code),
                       fmt::format("remove it; in a text in double quotes write it as \\x{:02x}", code));
        return false;
    }
    if (broken != std::string_view::npos) {
        reporter.error(
            position(text, broken, file), {},
            fmt::format("the file is not UTF-8 text (byte 0x{:02x})", static_cast<unsigned char>(text[broken])),
            "save it as UTF-8");
        return false;
    }
    if (std::size_t at = foreign_version(text); at != std::string_view::npos) {
        reporter.error(position(text, at, file), {}, "compose files are YAML 1.1",
                       "remove this line, or write  %YAML 1.1");
        return false;
    }
    return true;
}

} // namespace davit::yaml
