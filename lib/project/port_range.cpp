#include "project/port_range.hpp"

#include <charconv>

namespace davit {

namespace {

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

} // namespace

std::optional<PortRange> parse_port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = port_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : port_of(text.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return PortRange{*first, *last};
}

std::string to_string(const PortRange& range) {
    const std::string first = std::to_string(range.first);
    return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

} // namespace davit
