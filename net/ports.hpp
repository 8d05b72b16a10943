// Published ports: reserved by sockets that davit holds as long as the container runs, so that nothing
// else on the host takes them and a conflict is found before anything is changed.
#pragma once

#include "base/fd.hpp"
#include "net/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::net {

struct PortRequest {
    Proto proto = Proto::tcp;
    std::optional<IpAddress> host_ip; // none: 0.0.0.0 and [::], the same port in both
    std::uint16_t host_first = 0;     // 0: ephemeral, from ip_local_port_range
    std::uint16_t host_last = 0;      // > first: the first free of the range
    bool ipv6 = true;                 // without host_ip: reserve [::] as well (when the machine has IPv6)
    std::string line = {};            // as the user wrote it ("8080:80"), for conflicts with the next ones
};

struct PortReservation {
    Proto proto = Proto::tcp;
    std::uint16_t port = 0;
    struct Bound {
        IpAddress host_ip; // 0.0.0.0, :: or the one asked for
        UniqueFd socket;   // tcp: listening behind a filter that drops everything
    };
    std::vector<Bound> bound;
};

// Throws Errc::conflict naming the owner: another davit project's container (from the state files in
// run_dir), or the process that holds the socket ("nginx, pid 123"). project: the asking one; ports that
// the files of other projects claim are taken even while nobody holds their sockets.
PortReservation reserve_port(const PortRequest& request, const std::string& run_dir, const std::string& project = {});
// Several at once (a range maps pairwise: one request each); all or nothing. own: what other containers of
// the project have, written down or not yet. A conflict among the requests names both lines.
std::vector<PortReservation> reserve_ports(const std::vector<PortRequest>& requests, const std::string& run_dir,
                                           const std::string& project = {}, const std::vector<PortForward>& own = {});
// What a reserving socket reserves, for sockets that come back after a crash; nothing for another kind of descriptor.
struct ReservedPort {
    Proto proto = Proto::tcp;
    IpAddress host_ip;
    std::uint16_t port = 0;
    auto operator<=>(const ReservedPort&) const = default;
};
std::optional<ReservedPort> reserved_by(int socket);
// Lets a reserving TCP socket accept (the port proxy takes it over).
void open_reservation(int socket);

// Where the port proxy has to send what arrives at this socket; nothing: the host table does it all.
// The proxy is for ::1 (it never leaves lo) and for hosts and containers of different families.
std::optional<IpAddress> proxy_target(const IpAddress& bound, const std::optional<IpAddress>& container_v4,
                                      const std::optional<IpAddress>& container_v6);

struct PortOwner {
    int pid = 0;           // 0: unknown
    std::string process;   // comm
    std::string address;   // "0.0.0.0:80"
    std::string container; // name, if it is a davit container; with its project
    std::string project;
    std::string service = {}; // instead of a container
};
// Reads /proc/net and /proc/*/fd: milliseconds; only for messages.
std::optional<PortOwner> find_port_owner(Proto proto, const std::optional<IpAddress>& host_ip, std::uint16_t port,
                                         const std::string& run_dir);

} // namespace davit::net
