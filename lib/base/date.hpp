// Points in time as text. Times are ns since the epoch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

// "2026-11-21T11:56:55.123456789Z"
std::string rfc3339(std::int64_t time_ns);
// The same with trailing zeros kept out of the fraction, as Go's RFC3339Nano.
std::string rfc3339_nano(std::int64_t time_ns);
// "2026-11-21 11:56:55 +0000 UTC"
std::string go_time(std::int64_t time_ns);

// "2026-11-21T11:56:55.123456789Z" or with "+01:00"; nothing when it is not one.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);
// The same, also without time or zone: then it is local time.
std::optional<std::int64_t> parse_local_time(std::string_view text);
// The digits of a fraction at the front of text, taken off it, as nanoseconds.
std::int64_t take_fraction(std::string_view& text);

} // namespace davit
