#include "base/printable.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>

namespace davit {

namespace {

// The length of the UTF-8 character that starts at text[0], its code point in `point`; 0: it is none.
// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t decode(std::string_view text, std::uint32_t& point) {
    auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) {
        point = lead;
        return 1;
    }
    std::size_t length = lead >= 0xF5 ? 0 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || text.size() < length) return 0;
    point = lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) return 0;
        point = point << 6 | (next & 0x3F);
    }
    bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    return overlong || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF ? 0 : length;
}

bool steers(std::uint32_t point) {
    if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return true;
    bool turns = point == 0x061C || point == 0x200E || point == 0x200F || (point >= 0x202A && point <= 0x202E) ||
                 (point >= 0x2066 && point <= 0x2069);
    // U+FEFF and the tags of plane 14 have no width: names that differ would look the same.
    return turns || point == 0x2028 || point == 0x2029 || point == 0xFEFF || (point >= 0xE0000 && point <= 0xE007F);
}

void append_escape(std::string& out, std::uint32_t point) {
    constexpr std::string_view letters = "abtnvfr"; // from BEL, 7
    if (point >= 7 && point < 7 + letters.size()) {
        out += '\\';
        out += letters[point - 7];
    } else if (point < 0x80) {
        out += fmt::format("\\x{:02x}", point);
    } else {
        out += point < 0x10000 ? fmt::format("\\u{:04x}", point) : fmt::format("\\U{:08x}", point);
    }
}

} // namespace

std::string printable(std::string_view text, std::string_view keep) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::uint32_t point = 0;
        std::size_t length = decode(text, point);
        if (length == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
            length = 1;
        } else if (steers(point) && !(length == 1 && keep.find(text[0]) != keep.npos)) {
            append_escape(out, point);
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return out;
}

// What JSON itself does not escape stands in its strings only.
std::string printable_json(std::string_view document) {
    std::string out;
    out.reserve(document.size());
    while (!document.empty()) {
        std::uint32_t point = 0;
        const std::size_t length = decode(document, point);
        if (point < 0x7F || length == 0 || !steers(point)) {
            out += document.substr(0, std::max<std::size_t>(length, 1));
        } else if (point < 0x10000) {
            out += fmt::format("\\u{:04x}", point);
        } else {
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (point >> 10), 0xDC00 + (point & 0x3FF));
        }
        document.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

} // namespace davit
