#include "stack/short_forms.hpp"

#include "base/units.hpp"
#include "stack/text.hpp"

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace davit::stack {

namespace {

std::uint16_t number_of(std::string_view text) {
    std::uint16_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

// One number, or two with a dash between.
std::optional<std::pair<std::int64_t, std::int64_t>> port_range(const std::string& text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_int(text.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_int(text.substr(dash + 1));
    constexpr std::int64_t highest = 65535;
    if (!first || !last || *first < 0 || *last > highest || *last < *first) return std::nullopt;
    return std::pair(*first, *last);
}

} // namespace

std::string why_no_port(const std::string& text) {
    if (text.find('=') != std::string::npos) {
        const KeyValue pair = split_pair(text);
        if (pair.key != "published") return "no port specified: :/tcp<empty>";
        const std::string published = pair.value->substr(0, pair.value->find(','));
        constexpr std::string_view target = ",target=";
        if (const std::size_t at = text.find(target); port_range(published) && at != std::string::npos) {
            const std::string inside = text.substr(at + target.size());
            return "invalid containerPort: " + inside.substr(0, inside.find(','));
        }
        return port_range(published) ? fmt::format("no port specified: {}:/tcp<empty>", published)
                                     : "invalid hostPort: " + published;
    }
    const std::size_t slash = text.find('/');
    std::string rest = text.substr(0, slash);
    const auto last_part = [&rest] {
        const std::size_t colon = rest.rfind(':');
        std::string part = rest.substr(colon == std::string::npos ? 0 : colon + 1);
        rest.resize(colon == std::string::npos ? 0 : colon);
        return part;
    };
    const std::string container = last_part(), host = last_part(), address = rest;
    if (container.empty()) return fmt::format("no port specified: {}<empty>", text);
    const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return "invalid proto: " + protocol;
    if (!address.empty() && !compose::is_ip_address(address)) return "invalid IP address: " + address;
    const auto inside = port_range(container), outside = port_range(host);
    if (!inside) return "invalid containerPort: " + container;
    if (!host.empty() && !outside) return "invalid hostPort: " + host;
    return fmt::format("invalid ranges specified for container and host Ports: {} and {}", container, host);
}

SwarmPorts parse_swarm_ports(std::string_view text) {
    const compose::ShortPorts parsed = compose::parse_ports(text);
    SwarmPorts out{{}, {}, parsed.error};
    for (const compose::ShortPort& p : parsed.ports) {
        out.address = p.host_ip;
        const auto range = compose::split(p.published, '-');
        const std::uint16_t first = number_of(range.front()), last = number_of(range.back());
        for (std::uint32_t published = first; published <= last; ++published)
            out.ports.push_back({{},
                                 p.protocol,
                                 static_cast<std::uint16_t>(p.target),
                                 static_cast<std::uint16_t>(published),
                                 "ingress"});
    }
    return out;
}

} // namespace davit::stack
