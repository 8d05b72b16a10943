#include "yaml/scalar.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace davit::yaml {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    for (auto w : words)
        if (text == w) return true;
    return false;
}

std::string without_underscores(std::string_view text) {
    std::string out;
    for (char c : text)
        if (c != '_') out += c;
    return out;
}

// [0x|0o|0b|0]digits
Node* resolve_integer(Tree& tree, std::string_view text, Pos at) {
    bool negative = false;
    if (text.front() == '-' || text.front() == '+') {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    int base = 10;
    if (text.size() > 1 && text[0] == '0') {
        char c = text[1];
        base = c == 'x' || c == 'X' ? 16 : c == 'o' || c == 'O' ? 8 : c == 'b' || c == 'B' ? 2 : is_digit(c) ? 8 : 0;
        if (base == 0) return nullptr;
        text.remove_prefix(is_digit(c) ? 1 : 2);
    }
    if (text.empty() || text.front() == '-' || text.front() == '+') return nullptr;
    std::uint64_t value = 0;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (end != text.data() + text.size() || code != std::errc()) return nullptr;
    if (negative && value == 0) return tree.real(-0.0, at);
    if (negative && value <= 1ULL << 63) return tree.integer(static_cast<std::int64_t>(0 - value), at);
    if (negative) return nullptr;
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return tree.integer(static_cast<std::int64_t>(value), at);
    // Beyond int64 nothing here counts with it.
    Node* n = tree.string(std::to_string(value), at);
    n->large = true;
    return n;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view t) {
    std::size_t i = 0;
    auto digits = [&] {
        std::size_t from = i;
        while (i < t.size() && is_digit(t[i])) ++i;
        return i > from;
    };
    if (i < t.size() && (t[i] == '-' || t[i] == '+')) ++i;
    bool before = digits();
    if (i < t.size() && t[i] == '.') {
        ++i;
        bool after = digits();
        if (!before && !after) return false;
    } else if (!before) {
        return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
        ++i;
        if (i < t.size() && (t[i] == '-' || t[i] == '+')) ++i;
        if (!digits()) return false;
    }
    return i == t.size();
}

Node* resolve_number(Tree& tree, std::string_view text, Pos at) {
    std::string plain = without_underscores(text);
    if (plain.empty()) return nullptr;
    if (Node* n = resolve_integer(tree, plain, at)) return n;
    if (!looks_like_float(plain)) return nullptr;
    std::string_view digits = plain;
    if (digits.front() == '+') digits.remove_prefix(1);
    double value = 0;
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const std::size_t exponent = digits.find_first_of("eE");
    const bool tiny = code == std::errc::result_out_of_range && exponent != std::string_view::npos &&
                      digits.substr(exponent + 1, 1) == "-";
    if (tiny) return tree.real(digits.front() == '-' ? -0.0 : 0.0, at);
    if (code != std::errc() || end != digits.data() + digits.size()) return nullptr;
    return tree.real(value, at);
}

// Takes 1 to `most` digits.
std::optional<int> take_number(std::string_view& text, std::size_t least, std::size_t most) {
    std::size_t n = 0;
    int value = 0;
    while (n < most && n < text.size() && is_digit(text[n])) value = value * 10 + (text[n++] - '0');
    if (n < least) return std::nullopt;
    text.remove_prefix(n);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

int days_of(int year, int month) {
    static constexpr std::array days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) return 29;
    return days[static_cast<std::size_t>(month - 1)];
}

// "Z", "+05:00"; what Go prints as zone.
std::optional<std::string> take_zone(std::string_view& text) {
    if (take(text, 'Z')) return "+0000 UTC";
    bool minus = !text.empty() && text.front() == '-';
    if (!minus && (text.empty() || text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    auto hours = take_number(text, 2, 2);
    if (!hours || !take(text, ':')) return std::nullopt;
    auto minutes = take_number(text, 2, 2);
    if (!minutes || *hours > 24 || *minutes > 60) return std::nullopt;
    std::string zone = fmt::format("{}{:02}{:02}", minus ? '-' : '+', *hours, *minutes);
    return zone + " " + zone;
}

// 2001-12-14, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43.10: as Go prints a time.
std::optional<std::string> parse_timestamp(std::string_view text) {
    if (text.size() < 8 || !is_digit(text[0]) || text[4] != '-') return std::nullopt;
    auto year = take_number(text, 4, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    auto month = take_number(text, 1, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    auto day = take_number(text, 1, 2);
    if (!day || *month < 1 || *month > 12 || *day < 1 || *day > days_of(*year, *month)) return std::nullopt;
    if (text.empty()) return fmt::format("{:04}-{:02}-{:02} 00:00:00 +0000 UTC", *year, *month, *day);
    bool with_zone = text.front() == 'T' || text.front() == 't';
    if (!with_zone && text.front() != ' ') return std::nullopt;
    text.remove_prefix(1);
    auto hour = take_number(text, 1, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    auto minute = take_number(text, 1, 2);
    if (!minute || !take(text, ':')) return std::nullopt;
    auto second = take_number(text, 1, 2);
    if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    std::string fraction;
    if (take(text, '.')) {
        while (!text.empty() && is_digit(text.front())) {
            fraction += text.front();
            text.remove_prefix(1);
        }
        fraction.erase(fraction.find_last_not_of('0') + 1);
        if (!fraction.empty()) fraction.insert(0, ".");
    }
    std::string zone = "+0000 UTC";
    if (with_zone) {
        auto z = take_zone(text);
        if (!z) return std::nullopt;
        zone = *z;
    }
    if (!text.empty()) return std::nullopt;
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} {}", *year, *month, *day, *hour, *minute, *second,
                       fraction, zone);
}

} // namespace

Node* resolve_plain(Tree& tree, std::string_view text, Pos at) {
    if (text.empty()) return tree.null(at);
    char c = text.front();
    switch (c) {
    case '~':
    case 'n':
    case 'N':
        if (one_of(text, {"~", "null", "Null", "NULL"})) return tree.null(at);
        break;
    case 't':
    case 'T':
        if (one_of(text, {"true", "True", "TRUE"})) return tree.boolean(true, at);
        break;
    case 'f':
    case 'F':
        if (one_of(text, {"false", "False", "FALSE"})) return tree.boolean(false, at);
        break;
    default: break;
    }
    if (!is_digit(c) && c != '.' && c != '-' && c != '+') return tree.string(text, at);
    if (one_of(text, {".nan", ".NaN", ".NAN"})) return tree.real(std::nan(""), at);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return tree.real(infinity, at);
    if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return tree.real(-infinity, at);
    if (auto time = parse_timestamp(text)) {
        Node* n = tree.string(*time, at);
        n->timestamp = true;
        return n;
    }
    if (Node* n = resolve_number(tree, text, at)) return n;
    return tree.string(text, at);
}

std::string rfc3339(std::string_view time) {
    // 2001-12-14 21:59:43.1 +0200 +0200
    const std::size_t zone = time.find(' ', 11) + 1;
    if (time.size() < zone + 5 || zone == 0) return std::string(time);
    const std::string_view offset = time.substr(zone, 5);
    std::string out = fmt::format("{}T{}", time.substr(0, 10), time.substr(11, zone - 12));
    if (offset.substr(1) == "0000") return out + "Z";
    return out + fmt::format("{}:{}", offset.substr(0, 3), offset.substr(3));
}

static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::string> decode_base64(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    std::size_t characters = 0, padding = 0;
    for (char c : text) {
        if (c == '\n' || c == '\r') continue;
        ++characters;
        if (c == '=') {
            ++padding;
            continue;
        }
        std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos || padding != 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 0xff);
        }
    }
    // Groups of four; two characters of padding at most.
    if (characters % 4 != 0 || padding > 2) return std::nullopt;
    return out;
}

} // namespace davit::yaml
