// Sizes, durations and numbers as compose files write them and as Go prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

// "64m", "1.5 GB", "-1", "1024": bytes, 1024-based.
std::optional<std::int64_t> parse_bytes(std::string_view text);
// "1m30s", "1.5h", "2d", "1w", "250ms", "0": nanoseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);
// Nanoseconds as Go's time.Duration prints: "1m30s", "1.5ms", "0s".
std::string format_duration(std::int64_t nanoseconds);
// Shortest text that reads back the same; the exponent from 1e+21 on, as Go's %v.
std::string format_float(double value);
std::string format_float32(float value);
// A decimal integer with sign, all of the text.
std::optional<std::int64_t> parse_int(std::string_view text);
// true, false, y, n, yes, no, on, off in any case.
std::optional<bool> parse_bool_word(std::string_view text);

} // namespace davit
