// The embedded DNS server of a project: sockets inside each container's namespace, one loop outside.
#pragma once

#include "base/event_loop.hpp"
#include "net/dns/registry.hpp"
#include "net/files.hpp"

#include <memory>
#include <string>
#include <vector>

namespace davit::net::dns {

// Sockets on 127.0.0.11:<random> in a container's namespace. Copies of both are parked in the shim and
// come back after a supervisor's restart: the kernel queues what is asked in between.
struct Sockets {
    UniqueFd udp;
    UniqueFd tcp;
    std::uint16_t udp_port = 0;
    std::uint16_t tcp_port = 0;
};
// Opens them (SO_RCVBUF 1 MB) and adds the redirect from 127.0.0.11:53. 0.5 ms.
Sockets open_sockets(int netns_fd);
// Takes over parked ones: the ports are read from the sockets.
Sockets adopt_sockets(UniqueFd udp, UniqueFd tcp);

struct ServeSpec {
    Client client;
    std::vector<Upstream> upstreams; // from resolv_conf_internal()
    // False when all its networks are internal: the host's servers are not asked, SERVFAIL at once.
    bool external = true;
};

struct ServerOptions {
    std::chrono::milliseconds upstream_timeout{1000}; // then the next server is asked as well
    std::chrono::milliseconds total_timeout{4000};    // then SERVFAIL
    std::chrono::milliseconds tcp_idle{3000};
    unsigned max_inflight_per_client = 256;
    unsigned max_inflight = 1024; // of all; then each client has its share, and at least eight
    unsigned max_tcp_per_client = 16;
    std::size_t cache_entries = 512;
    std::uint32_t ttl = 5; // seconds, of container names
};

struct ServerStats {
    std::uint64_t queries = 0, local = 0, forwarded = 0, cached = 0, refused = 0, malformed = 0, upstream_timeouts = 0;
};

// Lives on the loop's thread; nothing blocks. The registry must outlive the server.
class Server {
public:
    Server(EventLoop& loop, Registry& registry, ServerOptions options = {});
    ~Server();

    // netns_fd: of the container, duplicated when an upstream is asked from inside. Asking again with a
    // known container_id replaces its spec and sockets.
    void serve(ServeSpec spec, Sockets sockets, int netns_fd);
    // New networks or upstreams for a served container; sockets stay.
    void update(ServeSpec spec);
    // Leaves epoll before it closes: parked copies keep the sockets alive. Call it before the
    // namespace is removed.
    void stop(const std::string& container_id);
    // Borrowed, for parking: {udp, tcp}; empty when it is not served.
    std::vector<int> fds_of(const std::string& container_id) const;
    ServerStats stats() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit::net::dns
