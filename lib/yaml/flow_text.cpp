#include "yaml/flow_text.hpp"

#include <algorithm>

namespace davit::yaml {

namespace {

constexpr std::string_view flow_blanks = " \t\r\n";

// The end of the text is blank as well.
bool is_flow_blank(std::string_view text, std::size_t at) {
    return at >= text.size() || flow_blanks.find(text[at]) != std::string_view::npos;
}

bool is_flow_indicator(char c) { return std::string_view("[]{},").find(c) != std::string_view::npos; }

bool starts_comment(std::string_view text, std::size_t at) {
    return text[at] == '#' && (at == 0 || is_flow_blank(text, at - 1));
}

std::size_t length_of_property(std::string_view text) {
    const std::size_t end = text.starts_with("!<") ? text.find('>') + 1 : text.find_first_of(" \t\r\n,]}");
    return std::max<std::size_t>(std::min(end, text.size()), 1);
}

// How far what stands there reaches: a comment, quoted text, a tag, an anchor, or one character of anything else.
// inside: of a text without quotes, before it and behind it.
std::size_t flow_step(std::string_view text, std::size_t at, bool& inside) {
    const char c = text[at];
    if (starts_comment(text, at)) return std::min(text.find('\n', at), text.size()) - at;
    if (is_flow_indicator(c)) {
        inside = false;
    } else if (c == ':') {
        const bool ends = is_flow_blank(text, at + 1) || is_flow_indicator(text[at + 1]);
        inside = inside && !ends;
    } else if (!inside) {
        if (c == '"' || c == '\'') return text.size() - at - behind_quotes_of(text.substr(at)).size();
        if (c == '!' || c == '&') return length_of_property(text.substr(at));
        inside = !is_flow_blank(text, at) && !(c == '?' && is_flow_blank(text, at + 1));
    }
    return 1;
}

// Whether a comment or the colon of a key ends the text in this line of it.
bool ends_flow_text(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i)
        if (starts_comment(line, i) || (line[i] == ':' && is_flow_blank(line, i + 1))) return true;
    return false;
}

// Behind the anchor, to which the text need not be indented.
std::string_view behind_anchor(std::string_view text) {
    if (!text.starts_with('&')) return text;
    text.remove_prefix(length_of_property(text));
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(flow_blanks), text.size()));
        if (!text.starts_with('#')) return text;
        text.remove_prefix(std::min(text.find('\n'), text.size()));
    }
}

std::uint32_t count_lines(std::string_view text) {
    return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

std::string_view behind_quotes_of(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i)
        if (text[0] == '"' && text[i] == '\\') ++i;
        else if (text.substr(i, 2) == "''" && text[0] == '\'') ++i;
        else if (text[i] == text[0]) return text.substr(i + 1);
    return {};
}

std::uint32_t lines_of_flow(std::string_view text) {
    int depth = 0;
    bool inside = false;
    std::size_t at = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '[' || c == '{') ++depth;
        else if ((c == ']' || c == '}') && --depth == 0) break;
        at += flow_step(text, at, inside);
    }
    return count_lines(text.substr(0, at));
}

std::optional<WrongTab> tab_in_flow_text(std::string_view text, std::size_t indent) {
    std::string_view rest = behind_anchor(text);
    const std::uint32_t first = count_lines(text.substr(0, text.size() - rest.size()));
    for (std::uint32_t line = first; !rest.empty(); ++line) {
        const std::size_t end = rest.find_first_of(",[]{}\n"); // no further: a line may be the whole file
        const std::string_view part = rest.substr(0, end);
        const std::size_t tab = part.find('\t');
        if (line > first && tab < part.find_first_not_of(" \t\r") && tab < indent) return WrongTab{line, tab};
        if (end == std::string_view::npos || rest[end] != '\n' || ends_flow_text(part)) return std::nullopt;
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

} // namespace davit::yaml
