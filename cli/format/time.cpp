#include "cli/format/time.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/units.hpp"

#include <charconv>

namespace davit::cli {

namespace {

constexpr std::int64_t second = 1'000'000'000;

// The first part of "2026-13-01T25:00:00" that no date has, as Go names it; empty where the text has another form.
std::string out_of_range(const std::string& text) {
    const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
    constexpr std::string_view form = "0000-00-00T00:00:00";
    const std::size_t length =
        text.find('T') == std::string::npos ? std::string_view("0000-00-00").size() : form.size();
    if (text.size() < length) return {};
    for (std::size_t i = 0; i < length; ++i)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return {};
    if (number(5) < 1 || number(5) > 12) return "month out of range";
    if (length == form.size() && number(11) > 23) return "hour out of range";
    if (length == form.size() && number(14) > 59) return "minute out of range";
    if (length == form.size() && number(17) > 59) return "second out of range";
    return "day out of range";
}

} // namespace

std::string human_duration(std::chrono::nanoseconds duration) {
    const std::int64_t seconds = duration.count() / second;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return fmt::format("{} seconds", seconds);
    const std::int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return fmt::format("{} minutes", minutes);
    const std::int64_t hours = (seconds + 1800) / 3600;
    if (hours == 1) return "About an hour";
    if (hours < 48) return fmt::format("{} hours", hours);
    if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
    if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
    return fmt::format("{} years", hours / 24 / 365);
}

std::int64_t parse_time(const std::string& text, std::int64_t now_ns) {
    if (auto date = parse_local_time(text)) return *date;
    std::string_view rest = text;
    std::int64_t seconds = 0;
    auto [stop, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
    if (problem == std::errc{}) {
        rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
        std::int64_t part = 0;
        if (rest.starts_with('.')) {
            rest.remove_prefix(1);
            part = take_fraction(rest);
        }
        if (rest.empty() && text.front() == '-') // a date to docker
            throw error(Errc::usage, "parsing time \"{0}\" as \"2006-01-02\": cannot parse \"{0}\" as \"2006\"", text);
        if (rest.empty()) return seconds * second + part;
    }
    if (auto duration = parse_duration(text)) // in whole seconds, as docker's client has it
        return (now_ns - *duration) / second * second;
    // What looks like a date is told of as one.
    if (text.find('-', 1) != std::string::npos)
        throw error(Errc::usage, "parsing time \"{}\": {}", text,
                    out_of_range(text).empty() ? "no such date or time" : out_of_range(text))
            .with_hint("a time such as 2026-01-31T12:00:00Z, or a span before now such as 42m");
    throw error(Errc::usage, "failed to parse value as time or duration: \"{}\"", text)
        .with_hint("a time such as 2026-01-31T12:00:00Z, or a span before now such as 42m");
}

} // namespace davit::cli
