// Networks: a container takes the place of another one that still runs.
#include "supervisor/network/networks.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {

bool answers(const PortRecord& wanted, const PublishedPort& has) {
    if (wanted.target != has.target || wanted.protocol != has.protocol) return false;
    const auto host = net::IpAddress::parse(has.host_ip);
    if (wanted.host_ip.empty() ? !host.is_unspecified() : net::IpAddress::parse(wanted.host_ip) != host) return false;
    return !wanted.host || wanted.host->contains(has.host_port);
}

} // namespace

bool Networks::held_by(const std::string& container_id, const PortRecord& port) const {
    const NetworkLease* lease = container_id.empty() ? nullptr : this->lease(container_id);
    return lease && std::any_of(lease->ports.begin(), lease->ports.end(),
                                [&](const PublishedPort& has) { return answers(port, has); });
}

void Networks::hand_over(const std::string& from, const ContainerRecord& to, Done done) {
    auto heir = holders_.find(to.id);
    if (heir == holders_.end()) {
        Error gone = error(Errc::conflict, "container {} has ended, and takes nothing over", to.name);
        return done(&gone);
    }
    if (auto old = holders_.find(from); old != holders_.end()) {
        NetworkLease &had = old->second->lease, &has = heir->second->lease;
        proxied_.remove(from);
        proxied_.remove(to.id);
        std::erase_if(state_.ports, [&](const auto& p) { return p.owner == from || p.owner == to.id; });
        for (std::size_t i = 0; i < had.ports.size(); ++i) {
            const bool wanted = std::any_of(to.ports.begin(), to.ports.end(),
                                            [&](const PortRecord& port) { return answers(port, had.ports[i]); });
            if (!wanted || i >= had.port_sockets.size()) continue; // closed with the rest
            has.ports.push_back(had.ports[i]);
            has.port_sockets.push_back(std::move(had.port_sockets[i]));
        }
        had.ports.clear();
        had.port_sockets.clear();
        add_port_rules(to, has);
        serve_proxied(to.id, has);
        old->second->published = false;
        registry_.withdraw(from);
        touch(had);
    }
    publish(to, true);
    write_changed();
    schedule_commit();
    when_committed(std::move(done));
}

} // namespace davit::supervisor
