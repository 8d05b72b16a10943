#include "stack/short_forms.hpp"

#include <charconv>

namespace davit::stack {

namespace {

std::uint16_t number_of(std::string_view text) {
    std::uint16_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

} // namespace

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
