// Functions of time.
#include "bake/functions/function.hpp"
#include "base/date.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <array>
#include <chrono>
#include <cmath>

namespace davit::baking {

namespace {

using Kind = Value::Kind;
using std::chrono::days;
using std::chrono::seconds;

constexpr std::int64_t second_ns = 1'000'000'000;
const std::array<std::string, 12> months{"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
const std::array<std::string, 7> weekdays{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

// A moment as the clock of a place shows it.
struct Moment {
    std::int64_t unix_time = 0;
    std::int64_t nanoseconds = 0;
    int offset = 0; // of the place, in seconds

    std::chrono::sys_days day() const {
        return std::chrono::floor<days>(std::chrono::sys_seconds(seconds(unix_time + offset)));
    }
    std::chrono::year_month_day date() const { return day(); }
    int of_day() const {
        return static_cast<int>((std::chrono::sys_seconds(seconds(unix_time + offset)) - day()).count());
    }
    int year() const { return static_cast<int>(date().year()); }
    unsigned month() const { return static_cast<unsigned>(date().month()); }
    unsigned day_of_month() const { return static_cast<unsigned>(date().day()); }
    unsigned weekday() const { return std::chrono::weekday(day()).c_encoding(); }
    int hour() const { return of_day() / 3600; }
    int minute() const { return of_day() / 60 % 60; }
    int second() const { return of_day() % 60; }
};

std::string zone(const Moment& at, const char* colon, const char* utc) {
    if (at.offset == 0 && *utc) return utc;
    const int size = std::abs(at.offset) / 60;
    return fmt::format("{}{:02}{}{:02}", at.offset < 0 ? '-' : '+', size / 60, colon, size % 60);
}

std::string rfc3339_of(const Moment& at) {
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", at.year(), at.month(), at.day_of_month(), at.hour(),
                       at.minute(), at.second(), zone(at, ":", "Z"));
}

Moment moment_of(const std::string& text) {
    const auto ns = parse_rfc3339(text);
    if (!ns) throw error(Errc::usage, "\"{}\" is no timestamp as 2006-01-02T15:04:05Z", text);
    Moment out;
    out.unix_time = *ns / second_ns - (*ns % second_ns < 0);
    out.nanoseconds = *ns - out.unix_time * second_ns;
    if (const char sign = text[text.size() - 6]; text.back() != 'Z' && text.back() != 'z') {
        const int minutes = std::stoi(text.substr(text.size() - 5, 2)) * 60 + std::stoi(text.substr(text.size() - 2));
        out.offset = (sign == '-' ? -60 : 60) * minutes;
    }
    // A 30th of February would be another day.
    if (rfc3339_of(out).compare(0, 19, text, 0, 19) != 0)
        throw error(Errc::usage, "\"{}\" is no day and hour of the calendar", text);
    return out;
}

Moment moment_of_number(const Value& v) {
    constexpr long double most = 1e14L; // beyond, no calendar
    const long double number = number_of(v);
    if (std::floor(number) != number || std::fabs(number) > most)
        throw error(Errc::usage, "a time in whole seconds is needed, not {}", number_text(number));
    return {static_cast<std::int64_t>(number), 0, 0};
}

// One letter, repeated.
std::string shown(const Moment& at, const std::string& verb) {
    const int twelve = at.hour() % 12 == 0 ? 12 : at.hour() % 12;
    const std::string &month = months[at.month() - 1], &weekday = weekdays[at.weekday()];
    const std::pair<std::string_view, std::string> all[] = {
        {"YYYY", fmt::format("{:04}", at.year())},
        {"YY", fmt::format("{:02}", at.year() % 100)},
        {"MMMM", month},
        {"MMM", month.substr(0, 3)},
        {"MM", fmt::format("{:02}", at.month())},
        {"M", fmt::format("{}", at.month())},
        {"DD", fmt::format("{:02}", at.day_of_month())},
        {"D", fmt::format("{}", at.day_of_month())},
        {"EEEE", weekday},
        {"EEE", weekday.substr(0, 3)},
        {"hh", fmt::format("{:02}", at.hour())},
        {"h", fmt::format("{}", at.hour())},
        {"HH", fmt::format("{:02}", twelve)},
        {"H", fmt::format("{}", twelve)},
        {"AA", at.hour() < 12 ? "AM" : "PM"},
        {"aa", at.hour() < 12 ? "am" : "pm"},
        {"mm", fmt::format("{:02}", at.minute())},
        {"m", fmt::format("{}", at.minute())},
        {"ss", fmt::format("{:02}", at.second())},
        {"s", fmt::format("{}", at.second())},
        {"ZZZZZ", zone(at, ":", "")},
        {"ZZZZ", zone(at, "", "")},
        {"ZZZ", zone(at, "", "UTC")},
        {"Z", zone(at, ":", "Z")},
    };
    for (const auto& [name, text] : all)
        if (verb == name) return text;
    throw error(Errc::usage, "a date has no \"{}\"", verb)
        .with_hint("YYYY YY MMMM MMM MM M DD D EEEE EEE hh h HH H AA aa mm m ss s Z ZZZ ZZZZ ZZZZZ, others in ' '");
}

Value formatted(const std::string& format, const Moment& at) {
    std::string out;
    for (std::size_t i = 0; i < format.size();) {
        const char c = format[i];
        if (c == '\'') {
            std::size_t end = i + 1;
            for (; end < format.size(); ++end) {
                if (format[end] != '\'') out += format[end];
                else if (end + 1 < format.size() && format[end + 1] == '\'') out += format[++end];
                else break;
            }
            if (end == i + 1) out += c; // '' alone is a quote
            if (end == format.size()) throw error(Errc::usage, "the text in ' ' has no end in \"{}\"", format);
            i = end + 1;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            const std::size_t end = std::min(format.find_first_not_of(c, i), format.size());
            out += shown(at, format.substr(i, end - i));
            i = end;
        } else {
            out += c;
            ++i;
        }
    }
    return Value::of(std::move(out));
}

Value format_timestamp(const Arguments& a) {
    if (!a[1].is(Kind::text) && !a[1].is(Kind::number))
        throw error(Errc::usage, "a timestamp is a string or a number, not {}", to_string(a[1].kind));
    const Moment at = a[1].is(Kind::text) ? moment_of(a[1].text) : moment_of_number(a[1]);
    const std::string format = text_of(a[0]);
    return format == "X" ? Value::of(std::to_string(at.unix_time)) : formatted(format, at);
}

// "-1h30m", as Go writes durations; in nanoseconds.
std::int64_t duration_of(const std::string& text) {
    const std::pair<std::string_view, long double> units[] = {{"ns", 1},    {"us", 1e3L}, {"µs", 1e3L}, {"μs", 1e3L},
                                                              {"ms", 1e6L}, {"s", 1e9L},  {"m", 60e9L}, {"h", 3600e9L}};
    constexpr long double most = 9.2e18L;
    long double total = 0;
    std::string_view rest = text;
    const bool is_signed = rest.starts_with('-') || rest.starts_with('+');
    if (is_signed) rest.remove_prefix(1);
    if (rest == "0") return 0;
    bool good = !rest.empty();
    while (good && !rest.empty()) {
        const std::size_t end = std::min(rest.find_first_not_of("0123456789."), rest.size());
        std::string digits(rest.substr(0, end));
        if (digits.starts_with('.')) digits = "0" + digits;
        if (digits.ends_with('.')) digits.pop_back();
        const auto number = parse_number(digits);
        rest.remove_prefix(end);
        const std::string_view unit = rest.substr(0, rest.find_first_of("0123456789."));
        good = false;
        for (const auto& [name, size] : units)
            if (number && unit == name) {
                total += *number * size;
                good = total < most;
            }
        rest.remove_prefix(unit.size());
    }
    if (!good) throw error(Errc::usage, "\"{}\" is no duration", text).with_hint("as 1h30m or -10s");
    return static_cast<std::int64_t>(text.starts_with('-') ? -total : total);
}

Value time_add(const Arguments& a) {
    Moment at = moment_of(text_of(a[0]));
    const std::int64_t duration = duration_of(text_of(a[1]));
    const std::int64_t ns = at.nanoseconds + duration % second_ns;
    at.unix_time += duration / second_ns + (ns < 0 ? -1 : ns / second_ns);
    return Value::of(rfc3339_of(at));
}

// ISO 8601: the week belongs to the year in which its Thursday is.
std::pair<int, int> iso_week(const Moment& at) {
    const int from_monday = static_cast<int>((at.weekday() + 6) % 7);
    const std::chrono::sys_days thursday = at.day() + days(3 - from_monday);
    const std::chrono::year year = std::chrono::year_month_day(thursday).year();
    const auto first = std::chrono::sys_days(year / 1 / 1);
    return {static_cast<int>(year), static_cast<int>((thursday - first).count() / 7 + 1)};
}

Value unix_timestamp_parse(const Arguments& a) {
    const Moment at = moment_of_number(a[0]);
    const auto first = std::chrono::sys_days(at.date().year() / 1 / 1);
    const auto [iso_year, week] = iso_week(at);
    Value out;
    const auto number = [&](const char* key, auto value) { out.set(key, Value::of(static_cast<long double>(value))); };
    number("day", at.day_of_month());
    number("hour", at.hour());
    number("iso_week", week);
    number("iso_year", iso_year);
    number("minute", at.minute());
    number("month", at.month());
    out.set("month_name", Value::of(months[at.month() - 1]));
    out.set("rfc3339", Value::of(rfc3339_of(at)));
    number("second", at.second());
    number("weekday", at.weekday());
    out.set("weekday_name", Value::of(weekdays[at.weekday()]));
    number("year", at.year());
    number("year_day", (at.day() - first).count() + 1);
    return out;
}

const Function functions[] = {
    {"formatdate", 2, 2, [](const Arguments& a) { return formatted(text_of(a[0]), moment_of(text_of(a[1]))); }},
    {"formattimestamp", 2, 2, format_timestamp},
    {"timeadd", 2, 2, time_add},
    {"timestamp", 0, 0,
     [](const Arguments&) { return Value::of(rfc3339_nano(sys::realtime_ns()).substr(0, 19) + "Z"); }},
    {"unixtimestampparse", 1, 1, unix_timestamp_parse},
};

} // namespace

std::span<const Function> time_functions() { return functions; }

} // namespace davit::baking
