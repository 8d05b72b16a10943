#include "cli/format/table.hpp"

#include "base/printable.hpp"

#include <algorithm>
#include <cwchar>

namespace davit::cli {

namespace {

constexpr std::size_t padding = 3;

// One UTF-8 character at text[i]; moves i behind it. Broken bytes count as themselves.
wchar_t next_character(const std::string& text, std::size_t& i) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 1;
    unsigned value = length == 1 ? first : first & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
        if (byte(i + k) >> 6 != 2) {
            ++i;
            return static_cast<wchar_t>(first);
        }
        value = value << 6 | (byte(i + k) & 0x3f);
    }
    i += length;
    return static_cast<wchar_t>(value);
}

// wcwidth(3) depends on the locale, which is not set here: East Asian wide forms and emoji take two.
std::size_t width_of(wchar_t c) {
    const auto in = [c](wchar_t from, wchar_t to) { return c >= from && c <= to; };
    if (in(0x300, 0x36f) || in(0x200b, 0x200f) || in(0xfe00, 0xfe0f)) return 0;
    if (in(0x1100, 0x115f) || in(0x2e80, 0xa4cf) || in(0xac00, 0xd7a3) || in(0xf900, 0xfaff) || in(0xfe30, 0xfe6f) ||
        in(0xff00, 0xff60) || in(0xffe0, 0xffe6) || in(0x1f300, 0x1f64f) || in(0x1f900, 0x1f9ff) ||
        in(0x20000, 0x3fffd))
        return 2;
    return 1;
}

} // namespace

std::size_t display_width(const std::string& text) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size();) width += width_of(next_character(text, i));
    return width;
}

std::string Table::to_string() const {
    std::vector<std::vector<std::string>> lines;
    if (!header.empty()) lines.push_back(header);
    lines.insert(lines.end(), rows.begin(), rows.end());
    std::vector<std::size_t> widths;
    for (auto& line : lines) {
        if (line.size() > widths.size()) widths.resize(line.size(), minimum);
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (!as_it_is) line[i] = printable(line[i]);
            widths[i] = std::max(widths[i], display_width(line[i]) + padding);
        }
    }
    std::string out;
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            out += line[i];
            if (i + 1 < line.size()) out.append(widths[i] - display_width(line[i]), ' ');
        }
        out += '\n';
    }
    return out;
}

} // namespace davit::cli
