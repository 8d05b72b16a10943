#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace davit::net::lab {

namespace {

constexpr int patience_ms = 400; // what is dropped by design is waited for this long
constexpr int deadline_ms = 5000;

struct Endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Endpoint endpoint(const IpAddress& a, std::uint16_t port) {
    Endpoint e;
    if (a.is_v6()) {
        auto* in = reinterpret_cast<sockaddr_in6*>(&e.storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(port);
        std::memcpy(&in->sin6_addr, a.data(), 16);
        e.size = sizeof *in;
    } else {
        auto* in = reinterpret_cast<sockaddr_in*>(&e.storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        std::memcpy(&in->sin_addr, a.data(), 4);
        e.size = sizeof *in;
    }
    return e;
}

std::string address_of(const sockaddr_storage& s) {
    char text[INET6_ADDRSTRLEN];
    if (s.ss_family == AF_INET6)
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&s)->sin6_addr, text, sizeof text);
    else ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&s)->sin_addr, text, sizeof text);
    return text;
}

UniqueFd open_in(int netns_fd, int family, int type) {
    const auto make = [&] { return UniqueFd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); };
    return netns_fd < 0 ? make() : in_netns(netns_fd, make);
}

UniqueFd bound(int netns_fd, const std::string& address, std::uint16_t port, int type) {
    const auto a = IpAddress::parse(address);
    UniqueFd s = open_in(netns_fd, a.is_v6() ? AF_INET6 : AF_INET, type);
    const int on = 1;
    ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a.is_v6()) ::setsockopt(s.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    Endpoint e = endpoint(a, port);
    if (::bind(s.get(), e.get(), e.size) < 0) throw sys_error(errno, "binding {}:{}", address, port);
    return s;
}

bool wait_for(int fd, short events, int milliseconds) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, milliseconds) > 0;
}

// An IPv6 address answers its neighbours once the kernel has joined its multicast group, in a work queue.
void wait_for_neighbours(int netns_fd, const IpAddress& a) {
    std::string group = "ff0200000000000000000001ff";
    for (int i = 13; i < 16; ++i) group += fmt::format("{:02x}", a.data()[i]);
    for (int left = 6 * deadline_ms; left > 0; --left) { // on a machine that is busy the queue is, too
        if (in_netns(netns_fd, [] { return read_file("/proc/thread-self/net/igmp6"); }).find(group) !=
            std::string::npos)
            return;
        ::poll(nullptr, 0, 1);
    }
    throw error(Errc::failed, "{} was not joined", group);
}

std::string reason(int errnum) {
    if (errnum == ECONNREFUSED) return "refused";
    if (errnum == ENETUNREACH || errnum == EHOSTUNREACH) return "unreachable";
    return std::strerror(errnum);
}

} // namespace

UniqueFd tcp_listen(int netns_fd, const std::string& address, std::uint16_t port) {
    UniqueFd s = bound(netns_fd, address, port, SOCK_STREAM);
    if (::listen(s.get(), 16) < 0) throw sys_error(errno, "listening");
    return s;
}

UniqueFd udp_bind(int netns_fd, const std::string& address, std::uint16_t port) {
    return bound(netns_fd, address, port, SOCK_DGRAM);
}

std::string tcp_try(int from_netns, const std::string& address, std::uint16_t port, int listener) {
    const auto a = IpAddress::parse(address);
    const UniqueFd s = open_in(from_netns, a.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM);
    Endpoint to = endpoint(a, port);
    if (::connect(s.get(), to.get(), to.size) < 0 && errno != EINPROGRESS) return reason(errno);
    if (!wait_for(s.get(), POLLOUT, patience_ms)) return "timeout";
    int err = 0;
    socklen_t size = sizeof err;
    ::getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &err, &size);
    if (err != 0) return reason(err);
    if (!wait_for(listener, POLLIN, patience_ms)) return "another server";
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    const UniqueFd accepted(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &peer_size, SOCK_CLOEXEC));
    if (!accepted) return reason(errno);
    // The way back has to work as well.
    char byte = 0;
    if (::send(accepted.get(), "x", 1, 0) != 1 || !wait_for(s.get(), POLLIN, deadline_ms) ||
        ::recv(s.get(), &byte, 1, 0) != 1)
        return "no answer";
    return address_of(peer);
}

std::string udp_try(int from_netns, const std::string& address, std::uint16_t port, int server) {
    const auto a = IpAddress::parse(address);
    const UniqueFd s = open_in(from_netns, a.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM);
    Endpoint to = endpoint(a, port);
    if (::connect(s.get(), to.get(), to.size) < 0 || ::send(s.get(), "q", 1, 0) < 0) return reason(errno);
    if (!wait_for(server, POLLIN, patience_ms)) return "timeout";
    char byte = 0;
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    if (::recvfrom(server, &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &peer_size) < 0) return reason(errno);
    ::sendto(server, "a", 1, 0, reinterpret_cast<sockaddr*>(&peer), peer_size);
    // connected: only an answer from the address that was asked arrives
    if (!wait_for(s.get(), POLLIN, patience_ms)) return "no answer";
    return address_of(peer);
}

namespace {

// Which of them can be read; -1: none in time.
int readable(const std::vector<int>& fds, int client) {
    std::vector<pollfd> all;
    for (const int fd : fds) all.push_back({fd, POLLIN, 0});
    all.push_back({client, POLLIN, 0}); // a refusal that comes meanwhile
    if (::poll(all.data(), all.size(), patience_ms) <= 0) return -1;
    for (std::size_t i = 0; i < fds.size(); ++i)
        if (all[i].revents & POLLIN) return static_cast<int>(i);
    return -1;
}

int error_of(int socket) {
    int err = 0;
    socklen_t size = sizeof err;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &err, &size);
    return err;
}

struct Stopwatch {
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    int milliseconds() const {
        return static_cast<int>(
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count());
    }
};

} // namespace

Reached tcp_any(int from_netns, const std::string& address, std::uint16_t port, const std::vector<int>& listeners) {
    const Stopwatch clock;
    Reached r;
    const auto fail = [&](const std::string& why) {
        r.error = why;
        r.milliseconds = clock.milliseconds();
        return std::move(r);
    };
    const auto a = IpAddress::parse(address);
    r.client = open_in(from_netns, a.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM);
    Endpoint to = endpoint(a, port);
    if (::connect(r.client.get(), to.get(), to.size) < 0 && errno != EINPROGRESS) return fail(reason(errno));
    if (!wait_for(r.client.get(), POLLOUT, patience_ms)) return fail("timeout");
    if (const int err = error_of(r.client.get())) return fail(reason(err));
    const int server = readable(listeners, -1);
    if (server < 0) return fail("another server");
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    r.accepted.reset(::accept4(listeners[static_cast<std::size_t>(server)], reinterpret_cast<sockaddr*>(&peer), &size,
                               SOCK_CLOEXEC));
    if (!r.accepted) return fail(reason(errno));
    r.source = address_of(peer);
    if (!echoes(r)) return fail("no answer");
    r.server = server;
    r.milliseconds = clock.milliseconds();
    return r;
}

bool echoes(const Reached& c) {
    char byte = 0;
    return ::send(c.client.get(), "x", 1, MSG_NOSIGNAL) == 1 && wait_for(c.accepted.get(), POLLIN, patience_ms) &&
           ::recv(c.accepted.get(), &byte, 1, 0) == 1 && ::send(c.accepted.get(), "y", 1, MSG_NOSIGNAL) == 1 &&
           wait_for(c.client.get(), POLLIN, patience_ms) && ::recv(c.client.get(), &byte, 1, 0) == 1;
}

Reached udp_any(int from_netns, const std::string& address, std::uint16_t port, const std::vector<int>& servers,
                std::uint16_t from_port) {
    const Stopwatch clock;
    Reached r;
    const auto fail = [&](const std::string& why) {
        r.error = why;
        r.milliseconds = clock.milliseconds();
        return std::move(r);
    };
    const auto a = IpAddress::parse(address);
    r.client = from_port ? bound(from_netns, a.is_v6() ? "::" : "0.0.0.0", from_port, SOCK_DGRAM)
                         : open_in(from_netns, a.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM);
    Endpoint to = endpoint(a, port);
    if (::connect(r.client.get(), to.get(), to.size) < 0 || ::send(r.client.get(), "q", 1, 0) < 0)
        return fail(reason(errno));
    const int server = readable(servers, r.client.get());
    if (server < 0) {
        const int err = error_of(r.client.get());
        return fail(err ? reason(err) : "timeout");
    }
    const int socket = servers[static_cast<std::size_t>(server)];
    char byte = 0;
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::recvfrom(socket, &byte, 1, 0, reinterpret_cast<sockaddr*>(&peer), &size) < 0) return fail(reason(errno));
    ::sendto(socket, "a", 1, 0, reinterpret_cast<sockaddr*>(&peer), size);
    r.source = address_of(peer);
    if (!wait_for(r.client.get(), POLLIN, patience_ms)) return fail("no answer");
    r.server = server;
    r.milliseconds = clock.milliseconds();
    return r;
}

UniqueFd container(NetlinkSocket& host, const std::string& bridge, std::vector<InterfaceAddress> addresses,
                   const IpAddress& gateway, bool icc) {
    UniqueFd ns = create_netns();
    NetnsPlan plan;
    EndpointSpec e;
    e.bridge = bridge;
    e.host_ifname = new_veth_name();
    e.ifname = "eth0";
    e.icc = icc;
    e.group = 0x40000001;
    for (const auto& a : addresses)
        if (a.address.is_v6()) {
            e.ipv6 = true;
            plan.default_v6 = DefaultRoute{a.subnet().base().plus(1), "eth0"};
        }
    e.addresses = std::move(addresses);
    plan.endpoints.push_back(e);
    if (!gateway.is_unspecified()) plan.default_v4 = DefaultRoute{gateway, "eth0"};
    attach(host, ns.get(), plan);
    for (const auto& a : plan.endpoints.front().addresses)
        if (a.address.is_v6()) wait_for_neighbours(ns.get(), a.address);
    return ns;
}

std::string output_of(const std::vector<std::string>& argv) {
    SpawnOptions options;
    options.argv = argv;
    const Output out = run(options);
    if (out.status.code != 0) throw error(Errc::failed, "{} failed: {}", argv.front(), out.err);
    return out.out;
}

TempDir::TempDir() {
    char name[] = "/tmp/davit-net-XXXXXX";
    if (!::mkdtemp(name)) throw sys_error(errno, "making a temporary directory");
    path_ = name;
}

TempDir::~TempDir() { sys::remove_tree(path_); }

} // namespace davit::net::lab
