#include "yaml/natural_order.hpp"

#include <compare>
#include <cstdint>

namespace davit::yaml {

namespace {

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

// Of bytes: those of UTF-8 beyond ASCII stand for letters, which nearly all of them are in names.
bool is_alphabetic(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

struct Number {
    std::uint64_t value = 0;
    std::size_t end = 0; // of its digits
    auto operator<=>(const Number&) const = default;
};

Number number_at(std::string_view text, std::size_t at) {
    Number out{0, at};
    for (; out.end < text.size() && is_decimal(text[out.end]); ++out.end)
        out.value = out.value * 10 + static_cast<std::uint64_t>(text[out.end] - '0');
    return out;
}

} // namespace

bool comes_before(std::string_view a, std::string_view b) {
    std::size_t differ = 0;
    while (differ < a.size() && differ < b.size() && a[differ] == b[differ]) ++differ;
    if (differ == a.size() || differ == b.size()) return a.size() < b.size();
    std::size_t number = differ; // where the number begins in which they differ
    while (number > 0 && is_decimal(a[number - 1])) --number;
    const bool letter_a = is_alphabetic(a[differ]), letter_b = is_alphabetic(b[differ]);
    if (letter_a != letter_b) return (number < differ) == letter_a;
    if (!letter_a)
        if (const auto order = number_at(a, number) <=> number_at(b, number); order != 0) return order < 0;
    return static_cast<unsigned char>(a[differ]) < static_cast<unsigned char>(b[differ]);
}

} // namespace davit::yaml
