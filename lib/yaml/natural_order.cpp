#include "yaml/natural_order.hpp"

#include <cstdint>

namespace davit::yaml {

namespace {

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// Of bytes: those of UTF-8 beyond ASCII stand for letters, which nearly all of them are in names.
bool is_alphabetic(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

struct Digits {
    std::uint64_t value = 0;
    std::size_t end = 0;
};

Digits digits_from(std::string_view text, std::size_t at, std::uint64_t before) {
    Digits out{before, at};
    for (; out.end < text.size() && is_decimal(text[out.end]); ++out.end)
        out.value = out.value * 10 + static_cast<std::uint64_t>(text[out.end] - '0');
    return out;
}

// A zero counts where a number other than zero goes on with it.
bool continues_number(std::string_view text, std::size_t at) {
    while (at > 0 && is_decimal(text[at - 1]))
        if (text[--at] != '0') return true;
    return false;
}

} // namespace

bool comes_before(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
    if (i == a.size() || i == b.size()) return a.size() < b.size();
    const bool letter_a = is_alphabetic(a[i]), letter_b = is_alphabetic(b[i]);
    const auto byte = [i](std::string_view text) { return static_cast<unsigned char>(text[i]); };
    if (letter_a && letter_b) return byte(a) < byte(b);
    if (letter_a || letter_b) return (i > 0 && is_decimal(a[i - 1])) == letter_a;
    const std::uint64_t before = (a[i] == '0' || b[i] == '0') && continues_number(a, i) ? 1 : 0;
    const Digits number_a = digits_from(a, i, before), number_b = digits_from(b, i, before);
    if (number_a.value != number_b.value) return number_a.value < number_b.value;
    if (number_a.end != number_b.end) return number_a.end < number_b.end;
    return byte(a) < byte(b);
}

} // namespace davit::yaml
