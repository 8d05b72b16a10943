#include "reconcile/claims.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace davit {

namespace {

bool any_host(const std::string& ip) { return ip.empty() || ip == "0.0.0.0" || ip == "::"; }

bool overlap(const PortRecord& held, const Port& wanted) {
    const auto range = parse_port_range(wanted.published);
    const bool same_host = any_host(held.host_ip) || any_host(wanted.host_ip) || held.host_ip == wanted.host_ip;
    const std::string_view protocol = wanted.protocol.empty() ? "tcp" : std::string_view(wanted.protocol);
    return held.host && range && held.host->overlaps(*range) && same_host && held.protocol == protocol;
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
