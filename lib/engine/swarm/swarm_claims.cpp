// Swarm: names and published ports, which are one service's.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "engine/swarm/lookup.hpp"

#include <set>
#include <utility>

namespace davit {

void Swarm::Impl::claim_name(const std::string& name) const {
    for (const auto& other : objects.services())
        if (swarm::same_name(other.spec.name, name))
            throw error(Errc::conflict,
                        "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {} "
                        "already exists",
                        name);
}

std::vector<swarm::PortConfig> Swarm::Impl::claim_ports(const swarm::ServiceSpec& spec, const std::string& service_id,
                                                        const std::vector<swarm::PortConfig>& before) const {
    constexpr std::uint16_t first_of_any = 30000, last_of_any = 32767;
    if (!spec.endpoint || spec.endpoint->ports.empty()) return {};
    std::set<std::pair<std::string, std::uint16_t>> taken;
    auto wanted = spec.endpoint->ports;
    for (const auto& other : objects.services()) {
        if (other.id == service_id) continue;
        for (const auto& theirs : other.ports) {
            if (theirs.mode == "host" || theirs.published == 0) continue;
            taken.emplace(theirs.protocol, theirs.published);
            for (const auto& port : wanted)
                if (port.published == theirs.published && port.protocol == theirs.protocol)
                    throw error(Errc::conflict,
                                "rpc error: code = InvalidArgument desc = port '{}' is already in use by service '{}' "
                                "({}) as an ingress port",
                                port.published, other.spec.name, other.id);
        }
    }
    for (const auto& port : wanted) taken.emplace(port.protocol, port.published);
    for (auto& port : wanted) {
        if (port.published != 0 || port.mode == "host") continue;
        for (const auto& earlier : before) // what it was given stays its own
            if (earlier.target == port.target && earlier.protocol == port.protocol && earlier.mode == port.mode)
                port.published = earlier.published;
        for (std::uint16_t any = first_of_any; port.published == 0 && any <= last_of_any; ++any)
            if (taken.emplace(port.protocol, any).second) port.published = any;
    }
    return wanted;
}

} // namespace davit
