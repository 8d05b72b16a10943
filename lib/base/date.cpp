#include "base/date.hpp"

#include <charconv>
#include <ctime>
#include <fmt/format.h>

namespace davit {

namespace {

constexpr std::int64_t second = 1'000'000'000;

std::tm utc(std::int64_t time_ns) {
    const std::time_t seconds =
        static_cast<std::time_t>(time_ns >= 0 ? time_ns / second : (time_ns - second + 1) / second);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return parts;
}

std::string text_of(const std::tm& t, char between) {
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, between,
                       t.tm_hour, t.tm_min, t.tm_sec);
}

// `digits` digits at the front of text, taken off it.
bool take_number(std::string_view& text, std::size_t digits, int& to) {
    if (text.size() < digits) return false;
    const char* end = text.data() + digits;
    auto [stop, problem] = std::from_chars(text.data(), end, to);
    if (problem != std::errc{} || stop != end || text[0] == '-') return false;
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
}

int days_in(int year, int month) {
    constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 1 && leap ? 1 : 0);
}

const char* wrong_part(const std::tm& t) {
    if (t.tm_mon < 0 || t.tm_mon > 11) return "month";
    if (t.tm_mday < 1 || t.tm_mday > days_in(t.tm_year + 1900, t.tm_mon)) return "day";
    if (t.tm_hour > 23) return "hour";
    if (t.tm_min > 59) return "minute";
    return t.tm_sec > 59 ? "second" : nullptr;
}

// Date, then optionally time and zone; local time when there is no zone and `local`.
std::optional<std::int64_t> parse_date(std::string_view text, bool local) {
    std::tm t{};
    std::int64_t nanoseconds = 0;
    if (!take_number(text, 4, t.tm_year) || !take(text, '-') || !take_number(text, 2, t.tm_mon) || !take(text, '-') ||
        !take_number(text, 2, t.tm_mday))
        return std::nullopt;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    if (take(text, 'T')) {
        if (!take_number(text, 2, t.tm_hour)) return std::nullopt;
        if (take(text, ':') && !take_number(text, 2, t.tm_min)) return std::nullopt;
        if (take(text, ':') && !take_number(text, 2, t.tm_sec)) return std::nullopt;
        if (take(text, '.')) nanoseconds = take_fraction(text);
    }
    std::int64_t offset = 0;
    const bool zoned = !text.empty();
    if (zoned && !take(text, 'Z')) {
        const int sign = text[0] == '-' ? -1 : 1;
        int hours = 0, minutes = 0;
        if ((!take(text, '+') && !take(text, '-')) || !take_number(text, 2, hours)) return std::nullopt;
        take(text, ':');
        if (!take_number(text, 2, minutes)) return std::nullopt;
        offset = sign * (hours * 3600 + minutes * 60);
    }
    if (!text.empty() || (!zoned && !local)) return std::nullopt;
    if (wrong_part(t)) return std::nullopt; // mktime() would take the 13th month for the next year's first
    t.tm_isdst = -1;
    const std::time_t seconds = zoned ? ::timegm(&t) : ::mktime(&t);
    return (static_cast<std::int64_t>(seconds) - offset) * second + nanoseconds;
}

} // namespace

std::int64_t take_fraction(std::string_view& text) {
    std::int64_t value = 0, unit = second;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
        unit /= 10;
        value += (text[0] - '0') * unit;
        text.remove_prefix(1);
    }
    return value;
}

std::string rfc3339(std::int64_t time_ns) {
    return fmt::format("{}.{:09}Z", text_of(utc(time_ns), 'T'), time_ns % second);
}

std::string rfc3339_nano(std::int64_t time_ns) {
    if (time_ns % second == 0) return text_of(utc(time_ns), 'T') + "Z";
    std::string fraction = fmt::format("{:09}", time_ns % second);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return text_of(utc(time_ns), 'T') + "." + fraction + "Z";
}

std::string go_time(std::int64_t time_ns) { return text_of(utc(time_ns), ' ') + " +0000 UTC"; }

std::optional<std::int64_t> parse_rfc3339(std::string_view text) { return parse_date(text, false); }
std::optional<std::int64_t> parse_local_time(std::string_view text) { return parse_date(text, true); }

} // namespace davit
