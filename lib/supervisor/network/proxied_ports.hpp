// Published ports that the host's rules cannot translate (::1, host and container of different
// families). Nothing runs for them until somebody connects: their reserving sockets are watched here,
// and with the first packet the container's sockets go to davit-port-proxy, one for the project.
#pragma once

#include "base/event_loop.hpp"
#include "davit/container.hpp"
#include "net/proxy.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

// What a container's address is in each family.
struct PortTarget {
    std::optional<net::IpAddress> v4, v6;
};

class ProxiedPorts {
public:
    ProxiedPorts(EventLoop& loop, std::string program, std::string socket_path);

    // sockets[i] reserves ports[i] and stays the caller's until remove(). A container that the proxy
    // already serves (found after a crash of the supervisor) is left to it.
    void add(const std::string& container_id, const std::vector<PublishedPort>& ports,
             const std::vector<UniqueFd>& sockets, const PortTarget& target);
    // Its sockets are about to be exchanged for copies; what the proxy has stays there.
    void release(const std::string& container_id);
    // Before the sockets are closed.
    void remove(const std::string& container_id);
    // After a takeover: the proxy forgets containers that are not among these.
    void keep_only(const std::set<std::string>& container_ids);

private:
    struct Port {
        net::Proto proto;
        int socket;
        std::uint16_t host_port, target_port;
        net::IpAddress target;
        EventLoop::Watch watch;
    };
    struct Owner {
        std::vector<Port> ports;
        bool passed = false; // the proxy has them
    };

    void watch(const std::string& id, Owner& owner);
    void pass(const std::string& id);
    void watch_proxy();
    void proxy_ended();

    EventLoop& loop_;
    net::PortProxy proxy_;
    std::set<std::string> found_; // owners of a proxy that an earlier supervisor started
    std::map<std::string, Owner> owners_;
    EventLoop::Watch proxy_watch_;
};

} // namespace davit::supervisor
