#include "archive/tar_number.hpp"

#include <charconv>

namespace davit::archive {

namespace {

std::optional<std::int64_t> base256(std::string_view field) {
    const bool negative = (static_cast<unsigned char>(field[0]) & 0x40) != 0;
    std::uint64_t value = negative ? UINT64_MAX : 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
        auto byte = static_cast<unsigned char>(field[i]);
        if (i == 0) byte = static_cast<unsigned char>(negative ? byte | 0x80 : byte & 0x7f);
        if (value >> 55 != (negative ? 0x1ffu : 0u)) return std::nullopt; // over 63 bits
        value = value << 8 | byte;
    }
    return static_cast<std::int64_t>(value);
}

} // namespace

std::optional<std::int64_t> tar_number(std::string_view field) {
    if (field.empty()) return std::nullopt;
    if (static_cast<unsigned char>(field[0]) & 0x80) return base256(field);
    while (!field.empty() && (field.front() == ' ' || field.front() == '\0')) field.remove_prefix(1);
    auto end = field.find_first_of(std::string_view(" \0", 2));
    field = field.substr(0, end);
    std::uint64_t value = 0;
    for (char c : field) {
        if (c < '0' || c > '7' || value >> 60) return std::nullopt;
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return static_cast<std::int64_t>(value);
}

std::optional<std::uint64_t> decimal(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::optional<TarTime> pax_time(std::string_view text) {
    TarTime out;
    auto dot = text.find('.');
    auto whole = text.substr(0, dot);
    const bool negative = whole.starts_with('-');
    auto [end, ec] = std::from_chars(whole.data(), whole.data() + whole.size(), out.seconds);
    if (ec != std::errc() || end != whole.data() + whole.size()) return std::nullopt;
    if (dot == std::string_view::npos) return out;
    std::uint32_t scale = 100'000'000;
    for (char c : text.substr(dot + 1)) {
        if (c < '0' || c > '9') return std::nullopt;
        out.nanoseconds += static_cast<std::uint32_t>(c - '0') * scale;
        scale /= 10;
    }
    if (negative && out.nanoseconds > 0) { // -1.5 is half a second before -1
        out.seconds -= 1;
        out.nanoseconds = 1'000'000'000 - out.nanoseconds;
    }
    return out;
}

} // namespace davit::archive
