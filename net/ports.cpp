#include "net/ports.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <map>
#include <netinet/in.h>
#include <sys/socket.h>

namespace davit::net {

namespace {

constexpr int ephemeral_attempts = 32; // v4 and v6 must have the same number free
constexpr int backlog = 128;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    SocketAddress(const IpAddress& a, std::uint16_t port) {
        if (a.is_v6()) {
            auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
            in->sin6_family = AF_INET6;
            in->sin6_port = htons(port);
            std::memcpy(&in->sin6_addr, a.data(), 16);
            size = sizeof *in;
        } else {
            auto* in = reinterpret_cast<sockaddr_in*>(&storage);
            in->sin_family = AF_INET;
            in->sin_port = htons(port);
            std::memcpy(&in->sin_addr, a.data(), 4);
            size = sizeof *in;
        }
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::uint16_t port_of(int socket) {
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) < 0)
        throw sys_error(errno, "reading a reserved port");
    // sin_port and sin6_port stand at the same place
    return ntohs(reinterpret_cast<const sockaddr_in*>(&at)->sin_port);
}

// Nothing is accepted before the rules exist, nor by a listener that nobody reads.
void drop_everything(int socket) {
    sock_filter drop = {BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &drop};
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
        throw sys_error(errno, "closing a reserved port");
}

struct BindResult {
    UniqueFd socket;
    int errnum = 0;
};

bool listens(Proto proto) { return proto != Proto::udp; }

BindResult try_bind(Proto proto, const IpAddress& host, std::uint16_t port) {
    const int type = listens(proto) ? SOCK_STREAM : SOCK_DGRAM;
    BindResult r{UniqueFd(::socket(host.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                   proto == Proto::sctp ? IPPROTO_SCTP : 0)),
                 0};
    if (!r.socket) return {UniqueFd(), errno};
    const int on = 1;
    // Connections in TIME_WAIT do not count; a listener still does.
    if (listens(proto)) ::setsockopt(r.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (host.is_v6()) ::setsockopt(r.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (proto == Proto::tcp) drop_everything(r.socket.get());
    const SocketAddress at(host, port);
    if (::bind(r.socket.get(), at.get(), at.size) < 0 || (listens(proto) && ::listen(r.socket.get(), backlog) < 0))
        return {UniqueFd(), errno};
    return r;
}

bool family_missing(int errnum) {
    return errnum == EAFNOSUPPORT || errnum == EPROTONOSUPPORT || errnum == EADDRNOTAVAIL || errnum == ESOCKTNOSUPPORT;
}

std::vector<IpAddress> hosts_of(const PortRequest& r) {
    if (r.host_ip) return {*r.host_ip};
    std::vector<IpAddress> hosts{IpAddress()};
    if (r.ipv6) hosts.push_back(IpAddress::parse("::"));
    return hosts;
}

struct Attempt {
    PortReservation reservation;
    int errnum = 0;
    IpAddress failed;
};

Attempt attempt(const PortRequest& request, std::uint16_t port) {
    Attempt a;
    a.reservation.proto = request.proto;
    for (const IpAddress& host : hosts_of(request)) {
        BindResult bound = try_bind(request.proto, host, port);
        const bool optional = !a.reservation.bound.empty() && host.is_v6();
        if (!bound.socket && optional && family_missing(bound.errnum)) continue; // a machine without IPv6
        if (!bound.socket) {
            a.errnum = bound.errnum;
            a.failed = host;
            return a;
        }
        if (port == 0) port = port_of(bound.socket.get());
        a.reservation.bound.push_back({host, std::move(bound.socket)});
    }
    a.reservation.port = port;
    return a;
}

std::string shown(const IpAddress& host, std::uint16_t port) {
    return host.is_v6() ? fmt::format("[{}]:{}", host.to_string(), port) : fmt::format("{}:{}", host.to_string(), port);
}

std::string who(const PortOwner& o) {
    if (!o.service.empty()) return fmt::format("service {}", o.service);
    if (!o.container.empty()) return fmt::format("container {} of project {}", o.container, o.project);
    if (o.pid != 0) return fmt::format("{} (pid {})", o.process, o.pid);
    return "a process that cannot be seen from here";
}

// Who has ports, as far as davit knows: other projects by their files, this one by what the caller says, and
// the earlier lines of the same container. All files are read once, however many ports are asked for.
class Claims {
public:
    Claims(const std::string& run_dir, const std::string& project, const std::vector<PortForward>& own)
        : run_dir_(run_dir) {
        if (!project.empty()) all_ = load_state(run_dir);
        all_.projects.erase(project);
        for (const auto& [name, other] : all_.projects)
            for (const PortForward& p : other.ports) add(others_, p, name);
        for (const auto& [name, other] : all_.projects)
            for (const ServiceState& s : other.services)
                for (const auto& p : s.ports)
                    others_[{p.proto, p.host_port}].push_back({IpAddress(), s.name, name, true});
        for (const PortForward& p : own) add(own_, p, project);
    }

    void add_line(const PortRequest& request, const PortReservation& r) {
        for (const auto& b : r.bound) lines_[{r.proto, r.port}].push_back({b.host_ip, request.line, {}});
    }

    // The files of projects whose supervisor is gone: nobody holds the sockets, but the rules stand.
    void require_free(const Attempt& a) const {
        for (const auto& b : a.reservation.bound)
            if (const Claim* c = find(others_, a.reservation.proto, b.host_ip, a.reservation.port)) {
                if (c->service)
                    throw error(Errc::conflict, "Bind for {} failed: port is already allocated, by service {}",
                                shown(b.host_ip, a.reservation.port), c->name)
                        .with_hint("publish another port");
                throw error(Errc::conflict,
                            "Bind for {} failed: port is already allocated, by container {} of project {}",
                            shown(b.host_ip, a.reservation.port), c->name, c->project)
                    .with_hint(fmt::format("take it down with: davit -p {} down", c->project));
            }
    }

    [[noreturn]] void refuse(const PortRequest& request, const IpAddress& host, std::uint16_t port, int errnum) const {
        const std::string at = fmt::format("{}/{}", shown(host, port), to_string(request.proto));
        if (errnum == EADDRNOTAVAIL)
            throw error(Errc::invalid_project, "cannot publish {}: {} is not an address of this machine", at,
                        host.to_string());
        if (errnum != EADDRINUSE) throw sys_error(errnum, "reserving port {}", at);
        const std::string failed = fmt::format("Bind for {} failed: port is already allocated", at);
        if (const Claim* c = find(lines_, request.proto, host, port))
            throw error(Errc::conflict, "{}, by another line of the same service: \"{}\" and \"{}\"", failed, c->name,
                        request.line)
                .with_hint("give each line of its ports a host port of its own");
        if (const Claim* c = find(own_, request.proto, host, port))
            throw error(Errc::conflict, "{}, by container {} of the same project", failed, c->name)
                .with_hint("give each service, and each of its containers, a port of its own");
        const auto owner = find_port_owner(request.proto, host, port, run_dir_);
        throw error(Errc::conflict, "{}, by {}", failed, owner ? who(*owner) : "a process that has just ended")
            .with_hint("stop it, or publish another port");
    }

private:
    struct Claim {
        IpAddress host;
        std::string name, project; // of a container; a line as it is written
        bool service = false;
    };
    using Map = std::map<std::pair<Proto, std::uint16_t>, std::vector<Claim>>;

    static void add(Map& to, const PortForward& p, const std::string& project) {
        const IpAddress any = p.container_ip.is_v6() ? IpAddress::parse("::") : IpAddress();
        for (std::uint32_t i = 0; i < p.count; ++i)
            to[{p.proto, static_cast<std::uint16_t>(p.host_port + i)}].push_back(
                {p.host_ip.value_or(any), p.owner_name, project});
    }
    static const Claim* find(const Map& in, Proto proto, const IpAddress& host, std::uint16_t port) {
        const auto it = in.find({proto, port});
        if (it == in.end()) return nullptr;
        for (const Claim& c : it->second)
            if (c.host.is_unspecified() || host.is_unspecified() || c.host == host) return &c;
        return nullptr;
    }

    const std::string& run_dir_;
    HostNetworkState all_;
    Map others_, own_, lines_;
};

PortReservation reserve(const PortRequest& request, Claims& claims) {
    const std::uint16_t last = std::max(request.host_first, request.host_last);
    const int tries = request.host_first == 0 ? ephemeral_attempts : last - request.host_first + 1;
    std::optional<Attempt> failed;
    for (int i = 0; i < tries; ++i) {
        const auto port = static_cast<std::uint16_t>(request.host_first == 0 ? 0 : request.host_first + i);
        Attempt a = attempt(request, port);
        if (a.errnum == 0) {
            claims.require_free(a);
            claims.add_line(request, a.reservation);
            return std::move(a.reservation);
        }
        if (a.errnum != EADDRINUSE) claims.refuse(request, a.failed, port, a.errnum);
        failed = std::move(a);
    }
    if (tries > 1)
        throw error(Errc::conflict, "no port is free in {}-{}/{}", request.host_first ? request.host_first : 32768,
                    last ? last : 60999, to_string(request.proto))
            .with_hint("publish a wider range");
    claims.refuse(request, failed->failed, request.host_first, failed->errnum);
}

} // namespace

PortReservation reserve_port(const PortRequest& request, const std::string& run_dir, const std::string& project) {
    Claims claims(run_dir, project, {});
    return reserve(request, claims);
}

std::vector<PortReservation> reserve_ports(const std::vector<PortRequest>& requests, const std::string& run_dir,
                                           const std::string& project, const std::vector<PortForward>& own) {
    if (requests.empty()) return {};
    Claims claims(run_dir, project, own);
    std::vector<PortReservation> all;
    all.reserve(requests.size());
    for (const PortRequest& r : requests) all.push_back(reserve(r, claims));
    return all;
}

std::optional<ReservedPort> reserved_by(int socket) {
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    int protocol = 0;
    socklen_t length = sizeof protocol;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) < 0 ||
        ::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) < 0)
        return std::nullopt;
    const Proto proto = static_cast<Proto>(protocol);
    if (at.ss_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(&at);
        return ReservedPort{proto, IpAddress::v4_bytes(reinterpret_cast<const std::uint8_t*>(&in->sin_addr)),
                            ntohs(in->sin_port)};
    }
    if (at.ss_family != AF_INET6) return std::nullopt;
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&at);
    return ReservedPort{proto, IpAddress::v6_bytes(in->sin6_addr.s6_addr), ntohs(in->sin6_port)};
}

void open_reservation(int socket) {
    const int off = 0;
    if (::setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off) < 0 && errno != ENOENT)
        throw sys_error(errno, "opening a reserved port");
}

std::optional<IpAddress> proxy_target(const IpAddress& bound, const std::optional<IpAddress>& v4,
                                      const std::optional<IpAddress>& v6) {
    if (!bound.is_v6()) return v4 ? std::nullopt : v6;
    if (!v6) return v4;
    const bool translated_always = !bound.is_unspecified() && !bound.is_loopback() && !bound.is_link_local();
    return translated_always ? std::nullopt : v6;
}

} // namespace davit::net
