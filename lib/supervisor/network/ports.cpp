// Networks: published ports of containers, whose reservations live in sockets.
#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/network/networks.hpp"

#include <poll.h>

namespace davit::supervisor {

namespace {
constexpr int takeover_attempts = 50, takeover_pause_ms = 2; // for all ports of a container together
}

const Attachment* publishing(const NetworkLease& lease) {
    std::vector<net::NetworkChoice> nets;
    for (const auto& a : lease.attachments) {
        const bool bridge = !a.network->is_shared(); // the host does not reach what shares its link
        nets.push_back({a.network->name(), a.wish->gw_priority, !bridge || a.network->internal(),
                        a.network->gateway(false), a.network->gateway(true)});
    }
    auto gw = net::choose_gateways(nets);
    if (gw.v4) return &lease.attachments[*gw.v4];
    if (gw.v6) return &lease.attachments[*gw.v6];
    return nullptr;
}

void Networks::lease_ports(const ContainerRecord& record, NetworkLease& lease) {
    if (record.ports.empty() || !publishing(lease)) return;
    std::vector<net::PortRequest> requests;
    std::vector<const PortRecord*> asked;
    for (const auto& p : record.ports) {
        if (held_by(record.takes_over, p)) continue; // it gets that one later
        asked.push_back(&p);
        net::PortRequest q;
        q.proto = net::parse_proto(p.protocol);
        if (!p.host_ip.empty()) q.host_ip = net::IpAddress::parse(p.host_ip);
        const PortRange host = p.host.value_or(PortRange());
        q.host_first = host.first;
        q.host_last = host.last;
        q.line = fmt::format("{}{}{}:{}{}", p.host_ip, p.host_ip.empty() ? "" : ":", p.host ? to_string(host) : "",
                             p.target, p.protocol == "tcp" ? "" : "/" + p.protocol);
        requests.push_back(q);
    }
    auto reservations = net::reserve_ports(requests, store_.roots().run, project_, state_.ports);
    for (std::size_t i = 0; i < reservations.size(); ++i)
        for (auto& bound : reservations[i].bound) {
            lease.ports.push_back(
                {bound.host_ip.to_string(), reservations[i].port, asked[i]->target, asked[i]->protocol});
            lease.port_sockets.push_back(std::move(bound.socket));
        }
    add_port_rules(record, lease);
    serve_proxied(record.id, lease);
}

void Networks::serve_proxied(const std::string& id, const NetworkLease& lease) {
    if (const Attachment* to = publishing(lease)) proxied_.add(id, lease.ports, lease.port_sockets, {to->v4, to->v6});
}

void Networks::add_port_rules(const ContainerRecord& record, const NetworkLease& lease) {
    const Attachment* to = publishing(lease);
    if (!to) return;
    for (const auto& p : lease.ports) {
        net::PortForward rule;
        rule.owner = record.id;
        rule.owner_name = record.name;
        rule.proto = net::parse_proto(p.protocol);
        rule.host_port = p.host_port;
        rule.container_port = p.target;
        auto host = net::IpAddress::parse(p.host_ip);
        if (!host.is_unspecified()) rule.host_ip = host;
        // [::] of a container without IPv6 is the port proxy's.
        if (host.is_v6() && host.is_unspecified() && !to->v6) continue;
        auto target = host.is_v6() && to->v6 ? to->v6 : to->v4;
        if (!target) continue;
        rule.container_ip = *target;
        state_.ports.push_back(rule);
    }
    schedule_commit();
}

namespace {

using Parked = std::map<net::ReservedPort, UniqueFd>;

// The parked reservation of that port; made anew where it was lost together with the shim.
UniqueFd take_reservation(Parked& parked, const PublishedPort& port, int& attempts) {
    const net::ReservedPort wanted{net::parse_proto(port.protocol), net::IpAddress::parse(port.host_ip),
                                   port.host_port};
    if (auto it = parked.find(wanted); it != parked.end()) return std::move(parked.extract(it).mapped());
    net::PortRequest again;
    again.proto = wanted.proto;
    again.host_ip = wanted.host_ip;
    again.host_first = wanted.port;
    // A supervisor that was just killed holds its own for as long as the kernel closes what it had.
    for (;;) {
        try {
            return std::move(net::reserve_port(again, {}).bound.at(0).socket);
        } catch (const Error&) {
            if (attempts-- <= 0) throw;
            ::poll(nullptr, 0, takeover_pause_ms);
        }
    }
}

} // namespace

void Networks::keep_sockets(const std::string& container_id, std::vector<UniqueFd> sockets) {
    auto it = holders_.find(container_id);
    if (it == holders_.end()) return;
    NetworkLease& lease = it->second->lease;
    proxied_.release(container_id);
    lease.port_sockets.clear();
    Parked parked;
    for (auto& socket : sockets)
        if (auto port = socket ? net::reserved_by(socket.get()) : std::nullopt)
            parked.emplace(*port, std::move(socket));
    int attempts = takeover_attempts;
    for (const auto& port : lease.ports) {
        try {
            lease.port_sockets.push_back(take_reservation(parked, port, attempts));
        } catch (const Error& e) {
            log::warning("container {} keeps port {}, but another process holds it too: {}", container_id.substr(0, 12),
                         port.host_port, e.what());
            lease.port_sockets.emplace_back();
        }
    }
    services_.adopt_sockets(parked);
    serve_proxied(container_id, lease);
}

void Networks::park_again(const std::string& container_id) {
    loop_.post([this, container_id] {
        if (park) park(container_id);
    });
}

std::vector<int> Networks::sockets_of(const std::string& container_id) const {
    std::vector<int> out;
    if (const NetworkLease* held = lease(container_id))
        for (const auto& s : held->port_sockets)
            if (s) out.push_back(s.get()); // one that another process holds is not there
    const auto more = services_.sockets_for(container_id);
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

} // namespace davit::supervisor
