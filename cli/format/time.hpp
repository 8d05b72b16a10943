// Times and durations in docker's words. Times are ns since the epoch.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace davit::cli {

// "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks" …
std::string human_duration(std::chrono::nanoseconds duration);

// "2026-11-21T11:56:55.123456789Z"
std::string rfc3339(std::int64_t time_ns);
// The same with trailing zeros kept out of the fraction, as Go's RFC3339Nano.
std::string rfc3339_nano(std::int64_t time_ns);
// "2026-11-21 11:56:55 +0000 UTC"
std::string go_time(std::int64_t time_ns);

// --since and --until: RFC 3339 with or without zone and time, seconds since the epoch with or
// without fraction, or a duration before now ("10m", "1h30m"). Throws Error(usage).
std::int64_t parse_time(const std::string& text, std::int64_t now_ns);
// Log lines: "2026-11-21T11:56:55.123456789Z" or with "+01:00"; nothing when it is not one.
std::optional<std::int64_t> parse_rfc3339(const std::string& text);

} // namespace davit::cli
