#include "supervisor/network/proxied_ports.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "net/ports.hpp"

#include <sys/epoll.h>

namespace davit::supervisor {

ProxiedPorts::ProxiedPorts(EventLoop& loop, std::string program, std::string socket_path)
    : loop_(loop), proxy_(std::move(program), std::move(socket_path)) {
    for (auto& id : proxy_.owners()) found_.insert(std::move(id));
    watch_proxy();
}

void ProxiedPorts::add(const std::string& container_id, const std::vector<PublishedPort>& ports,
                       const std::vector<UniqueFd>& sockets, const PortTarget& target) {
    Owner owner;
    for (std::size_t i = 0; i < ports.size() && i < sockets.size(); ++i) {
        const auto& p = ports[i];
        net::Proto proto = net::parse_proto(p.protocol);
        auto to = net::proxy_target(net::IpAddress::parse(p.host_ip), target.v4, target.v6);
        if (!to || !sockets[i] || proto == net::Proto::sctp) continue; // SCTP is translated or not served
        owner.ports.push_back({proto, sockets[i].get(), p.host_port, p.target, *to, {}});
    }
    owners_.erase(container_id);
    if (owner.ports.empty()) return;
    Owner& added = owners_[container_id] = std::move(owner);
    added.passed = found_.contains(container_id);
    if (!added.passed) watch(container_id, added);
}

void ProxiedPorts::watch(const std::string& id, Owner& owner) {
    for (Port& p : owner.ports) {
        if (p.proto == net::Proto::tcp) net::open_reservation(p.socket);
        p.watch = loop_.watch_fd(p.socket, EPOLLIN, [this, id](std::uint32_t) { pass(id); });
    }
}

// All of the container at once: after a crash the proxy is asked for containers, not for ports.
void ProxiedPorts::pass(const std::string& id) {
    auto it = owners_.find(id);
    if (it == owners_.end()) return;
    for (Port& p : it->second.ports) p.watch.reset();
    it->second.passed = true;
    try {
        for (const Port& p : it->second.ports) proxy_.add(id, p.proto, p.socket, p.host_port, p.target, p.target_port);
        watch_proxy();
    } catch (const Error& e) {
        log::warning("published ports of container {} do not answer on ::1: {}", id.substr(0, 12), e.describe());
    }
}

void ProxiedPorts::release(const std::string& container_id) {
    auto it = owners_.find(container_id);
    if (it == owners_.end()) return;
    if (it->second.passed) found_.insert(container_id);
    owners_.erase(it);
}

void ProxiedPorts::remove(const std::string& container_id) {
    auto it = owners_.find(container_id);
    bool passed = found_.erase(container_id) > 0;
    if (it != owners_.end()) {
        passed = passed || it->second.passed;
        owners_.erase(it);
    }
    if (!passed) return;
    proxy_watch_.reset();
    try {
        proxy_.remove(container_id);
    } catch (const Error& e) {
        log::warning("{}", e.describe());
    }
    watch_proxy();
}

void ProxiedPorts::keep_only(const std::set<std::string>& container_ids) {
    for (const auto& id : std::set<std::string>(found_))
        if (!container_ids.contains(id)) remove(id);
}

void ProxiedPorts::watch_proxy() {
    proxy_watch_.reset();
    if (proxy_.connection() < 0) return;
    proxy_watch_ = loop_.watch_fd(proxy_.connection(), EPOLLRDHUP, [this](std::uint32_t) { proxy_ended(); });
}

// Killed: the next connection starts another.
void ProxiedPorts::proxy_ended() {
    proxy_watch_.reset();
    proxy_.forget();
    found_.clear();
    for (auto& [id, owner] : owners_)
        if (std::exchange(owner.passed, false)) watch(id, owner);
}

} // namespace davit::supervisor
