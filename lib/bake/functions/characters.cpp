// Code points, letters, and what people take for one character.
#include "bake/functions/function.hpp"

#include <cwctype>
#include <locale.h>

namespace davit::baking {

namespace {

// The letters of all writings, whatever language the command speaks.
locale_t letters() {
    static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made;
}

// What goes on with the character before: accents, joiners, variants, colours of skin.
bool continues(unsigned c) {
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x20d0 && c <= 0x20ff) || c == 0x200d ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0020 && c <= 0xe007f);
}

bool is_flag(unsigned c) { return c >= 0x1f1e6 && c <= 0x1f1ff; }

} // namespace

unsigned take_code_point(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(at++);
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    unsigned out = more == 3 ? first & 7 : more == 2 ? first & 15 : more == 1 ? first & 31 : first;
    for (int i = 0; i < more && at < text.size() && (byte(at) & 0xc0) == 0x80; ++i)
        out = out << 6 | (byte(at++) & 0x3f);
    return out;
}

unsigned cased(unsigned c, bool upper) {
    if (c < 0x80 || !letters())
        return upper ? (c >= 'a' && c <= 'z' ? c - 32 : c) : (c >= 'A' && c <= 'Z' ? c + 32 : c);
    return static_cast<unsigned>(upper ? ::towupper_l(c, letters()) : ::towlower_l(c, letters()));
}

bool is_letter_or_digit(unsigned c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return !letters() || ::iswalnum_l(c, letters());
}

std::vector<std::string_view> characters(std::string_view text) {
    std::vector<std::string_view> out;
    unsigned before = 0;
    bool odd_flag = false; // two letters make one flag
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t from = at;
        const unsigned c = take_code_point(text, at);
        const bool second_flag = is_flag(c) && odd_flag;
        const bool joined = continues(c) || before == 0x200d || (before == '\r' && c == '\n') || second_flag;
        if (joined && !out.empty()) out.back() = {out.back().data(), out.back().size() + at - from};
        else out.push_back(text.substr(from, at - from));
        odd_flag = is_flag(c) && !second_flag;
        before = c;
    }
    return out;
}

} // namespace davit::baking
