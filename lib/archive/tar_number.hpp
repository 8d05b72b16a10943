// The sizes and number formats of tar: octal text, base-256, PAX decimals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace davit::archive {

inline constexpr std::size_t tar_block = 512; // headers are one, data is padded to whole ones

// A header field: octal with spaces and NULs around, or base-256 when the top bit is set.
std::optional<std::int64_t> tar_number(std::string_view field);
std::optional<std::uint64_t> decimal(std::string_view text);

struct TarTime {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};
// "1350244992.023960108", "-1.5"
std::optional<TarTime> pax_time(std::string_view text);

} // namespace davit::archive
