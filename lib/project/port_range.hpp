// Ports of the machine that one published port may take.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

// {0, 0}: any free one.
struct PortRange {
    std::uint16_t first = 0, last = 0;
    bool any() const { return first == 0; }
    bool single() const { return first != 0 && first == last; }
    bool overlaps(const PortRange& other) const {
        return !any() && !other.any() && first <= other.last && other.first <= last;
    }
    bool contains(std::uint16_t port) const { return any() || (first <= port && port <= last); }
    bool operator==(const PortRange&) const = default;
};

// "8080", "8000-8010", "0". Empty: not such a text.
std::optional<PortRange> parse_port_range(std::string_view text);
std::string to_string(const PortRange& range);

} // namespace davit
