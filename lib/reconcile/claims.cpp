#include "reconcile/claims.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace davit {

namespace {

// {0, 0}: ephemeral, or no port; what is wrong with it is said when it is reserved.
std::pair<unsigned, unsigned> range_of(std::string_view published) {
    const auto dash = published.find('-');
    const auto number = [](std::string_view text) {
        unsigned value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    };
    const unsigned first = number(published.substr(0, dash));
    return {first, dash == std::string_view::npos ? first : number(published.substr(dash + 1))};
}

bool any_host(const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; }

bool overlap(const PortRecord& held, const Port& wanted) {
    const auto [first, last] = range_of(held.published);
    const auto [from, to] = range_of(wanted.published);
    const bool same_host = any_host(held.host_ip) || any_host(wanted.host_ip) || held.host_ip == wanted.host_ip;
    const std::string_view protocol = wanted.protocol.empty() ? "tcp" : std::string_view(wanted.protocol);
    return first != 0 && from != 0 && first <= to && from <= last && same_host && held.protocol == protocol;
}

} // namespace

bool competes(const ContainerRecord& holder, const Service& service, const Project& project) {
    for (const auto& held : holder.ports)
        if (std::any_of(service.ports.begin(), service.ports.end(),
                        [&](const auto& wanted) { return overlap(held, wanted); }))
            return true;
    for (const auto& [key, wish] : service.networks) {
        auto network = project.networks.find(key);
        if (!wish || network == project.networks.end()) continue;
        for (const auto& held : holder.endpoints) {
            if (held.network != network->second.name) continue;
            if (!wish->ipv4_address.empty() && wish->ipv4_address == held.ipv4_address) return true;
            if (!wish->ipv6_address.empty() && wish->ipv6_address == held.ipv6_address) return true;
        }
    }
    return false;
}

} // namespace davit
