#include "dockerfile/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::dockerfile {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view without_byte_order_mark(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    return text;
}

namespace {

// Beside those of ASCII what Unicode calls white space.
constexpr std::string_view wide_spaces[] = {
    "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
};

std::size_t space_at_start(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text.front()) < 0x80) return !text.empty() && is_space(text.front());
    for (std::string_view space : wide_spaces)
        if (text.starts_with(space)) return space.size();
    return 0;
}

std::size_t space_at_end(std::string_view text) {
    if (text.empty() || static_cast<unsigned char>(text.back()) < 0x80) return !text.empty() && is_space(text.back());
    for (std::string_view space : wide_spaces)
        if (text.ends_with(space)) return space.size();
    return 0;
}

} // namespace

std::string_view trim_left(std::string_view text) {
    while (const std::size_t space = space_at_start(text)) text.remove_prefix(space);
    return text;
}

std::string_view trim(std::string_view text) {
    text = trim_left(text);
    while (const std::size_t space = space_at_end(text)) text.remove_suffix(space);
    return text;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    while (true) {
        auto end = text.find(separator);
        out.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    return fmt::format("{}", fmt::join(parts, separator));
}

std::vector<std::string> split_at_spaces(std::string_view text) {
    std::vector<std::string> out;
    while (true) {
        const auto begin = std::find_if_not(text.begin(), text.end(), is_space);
        if (begin == text.end()) return out;
        const auto end = std::find_if(begin, text.end(), is_space);
        out.emplace_back(begin, end);
        text = {end, text.end()};
    }
}

char32_t next_character(std::string_view& text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    std::size_t length = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
    char32_t out = length == 1 ? first : first & (0xffU >> (length + 1));
    if (length > text.size()) length = 1;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) {
            length = 1;
            break;
        }
        out = (out << 6U) | (byte(i) & 0x3fU);
    }
    text.remove_prefix(length);
    return length == 1 ? first : out;
}

std::string go_quoted(std::string_view text) {
    constexpr std::string_view letters = "abtnvfr";
    constexpr std::string_view codes = "\a\b\t\n\v\f\r";
    std::string out = "\"";
    for (char c : text) {
        if (auto i = codes.find(c); c != '\0' && i != std::string_view::npos) out += {'\\', letters[i]};
        else if (c == '"' || c == '\\') out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else out += c;
    }
    return out + '"';
}

std::string clean_path(std::string_view path) {
    const bool rooted = path.starts_with('/');
    std::vector<std::string> out;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") out.push_back(std::move(part));
        else if (!out.empty() && out.back() != "..") out.pop_back();
        else if (!rooted) out.push_back(std::move(part));
    }
    std::string joined = (rooted ? "/" : "") + join(out, "/");
    return joined.empty() ? "." : joined;
}

} // namespace davit::dockerfile
