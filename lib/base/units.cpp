#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace davit {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// k, kb, kib, …: the power of 1024; -1 for no such unit.
int power_of(std::string_view unit) {
    if (unit.empty()) return 0;
    if (unit.size() > 3) return -1;
    std::string u;
    for (char c : unit) u += lower(c);
    if (u == "b") return 0;
    std::size_t power = std::string_view("kmgtp").find(u[0]);
    if (power == std::string_view::npos) return -1;
    if (u.size() == 2 && u[1] != 'b') return -1;
    if (u.size() == 3 && u.substr(1) != "ib") return -1;
    return static_cast<int>(power) + 1;
}

struct DurationUnit {
    std::string_view name;
    std::uint64_t nanoseconds;
};
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array kDurationUnits = {
    DurationUnit{"ns", 1},
    DurationUnit{"us", 1'000},
    DurationUnit{"µs", 1'000},
    DurationUnit{"μs", 1'000},
    DurationUnit{"ms", 1'000'000},
    DurationUnit{"s", kSecond},
    DurationUnit{"m", 60 * kSecond},
    DurationUnit{"h", 3600 * kSecond},
    DurationUnit{"d", 24 * 3600 * kSecond},
    DurationUnit{"w", 7 * 24 * 3600 * kSecond},
};

template <typename T>
std::string shortest(T value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
    std::array<char, 64> buffer{};
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
    std::string text(buffer.data(), end.ptr);
    std::size_t e = text.find('e');
    int exponent = std::atoi(text.c_str() + e + 1);
    constexpr int most = 6; // where Go's %v changes to the notation with exponent
    if (exponent >= -4 && exponent < most) {
        end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
        return {buffer.data(), end.ptr};
    }
    return text;
}

} // namespace

std::optional<std::int64_t> parse_int(std::string_view text) {
    if (!text.empty() && text.front() == '+' && text.size() > 1 && is_digit(text[1])) text.remove_prefix(1);
    std::int64_t value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
    if (text == "-1") return -1;
    std::size_t last = text.find_last_of("0123456789. ");
    if (last == std::string_view::npos) return std::nullopt;
    std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
    int power = power_of(text.substr(last + 1));
    if (power < 0 || number.empty()) return std::nullopt;
    double value = 0;
    auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (code != std::errc() || end != number.data() + number.size() || !(value >= 0)) return std::nullopt;
    value *= std::pow(1024.0, power);
    if (value >= 9.2e18) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

namespace {

// "1.5" of a unit, in nanoseconds; the whole part is exact. nullopt: no number, or too large.
std::optional<std::uint64_t> times_unit(std::string_view number, std::uint64_t unit) {
    constexpr std::uint64_t most = 9'200'000'000'000'000'000u;
    const std::size_t point = std::min(number.find('.'), number.size());
    std::uint64_t whole = 0;
    if (point > 0) {
        auto [end, code] = std::from_chars(number.data(), number.data() + point, whole);
        if (code != std::errc() || whole > most / unit) return std::nullopt;
    }
    const std::string_view digits = number.substr(std::min(point + 1, number.size()));
    if (digits.find('.') != std::string_view::npos || (point == 0 && digits.empty())) return std::nullopt;
    double fraction = 0, weight = 0.1;
    for (char c : digits.substr(0, 20)) {
        fraction += (c - '0') * weight;
        weight /= 10;
    }
    return whole * unit + static_cast<std::uint64_t>(std::llround(fraction * static_cast<double>(unit)));
}

} // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
    constexpr std::uint64_t most = 9'200'000'000'000'000'000u;
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    if (text == "0") return 0;
    if (text.empty()) return std::nullopt;
    std::uint64_t total = 0;
    while (!text.empty()) {
        std::size_t digits = text.find_first_not_of("0123456789.");
        if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
        std::string_view number = text.substr(0, digits);
        text.remove_prefix(digits);
        std::string_view unit = text.substr(0, text.find_first_of("0123456789."));
        auto found = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                  [&](const DurationUnit& u) { return u.name == unit; });
        if (found == kDurationUnits.end()) return std::nullopt;
        auto part = times_unit(number, found->nanoseconds);
        if (!part || *part > most - total) return std::nullopt;
        total += *part;
        text.remove_prefix(unit.size());
    }
    auto value = static_cast<std::int64_t>(total);
    return negative ? -value : value;
}

std::string format_duration(std::int64_t ns) {
    if (ns == 0) return "0s";
    std::string out;
    auto left = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    if (ns < 0) out = "-";
    auto fraction = [&](std::uint64_t value, std::uint64_t unit) {
        std::string text = std::to_string(value / unit);
        if (std::uint64_t rest = value % unit; rest != 0) {
            std::string digits = std::to_string(unit + rest).substr(1);
            digits.erase(digits.find_last_not_of('0') + 1);
            text += "." + digits;
        }
        return text;
    };
    if (left < 1000) return out + std::to_string(left) + "ns";
    if (left < 1000000) return out + fraction(left, 1000) + "µs";
    if (left < 1000000000) return out + fraction(left, 1000000) + "ms";
    constexpr std::uint64_t second = 1000000000;
    std::uint64_t hours = left / (3600 * second);
    std::uint64_t minutes = left / (60 * second) % 60;
    if (hours) out += std::to_string(hours) + "h";
    if (hours || minutes) out += std::to_string(minutes) + "m";
    return out + fraction(left % (60 * second), second) + "s";
}

std::string format_float(double value) { return shortest(value); }
std::string format_float32(float value) { return shortest(value); }

std::optional<bool> parse_bool_word(std::string_view text) {
    std::string word;
    for (char c : text) word += lower(c);
    if (word == "true" || word == "y" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "n" || word == "no" || word == "off") return false;
    return std::nullopt;
}

} // namespace davit
