// Times and durations in docker's words. Times are ns since the epoch.
#pragma once

#include "base/date.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace davit::cli {

// "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks" …
std::string human_duration(std::chrono::nanoseconds duration);

// --since and --until: RFC 3339 with or without zone and time, seconds since the epoch with or
// without fraction, or a duration before now ("10m", "1h30m"). Throws Error(usage).
std::int64_t parse_time(const std::string& text, std::int64_t now_ns);

} // namespace davit::cli
