#include "net/dns/server.hpp"

#include "base/error.hpp"
#include "net/firewall.hpp"
#include "net/netns.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

namespace davit::net::dns {

namespace {

constexpr std::uint32_t server_address = 0x7f00000b; // 127.0.0.11, as Docker's
constexpr int receive_buffer = 1 << 20;              // what is asked while no supervisor runs waits here
constexpr int backlog = 128;

std::uint16_t port_of(int socket) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) < 0 || at.sin_family != AF_INET)
        throw sys_error(errno ? errno : EINVAL, "reading the port of a DNS socket");
    return ntohs(at.sin_port);
}

// Port 53 itself stays free: a container may run its own name server on it.
UniqueFd bound(int type) {
    UniqueFd s(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(server_address);
    if (!s || ::bind(s.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) < 0)
        throw sys_error(errno, "opening the DNS server's socket in a container");
    return s;
}

} // namespace

Sockets open_sockets(int netns_fd) {
    Sockets s;
    {
        NetnsScope scope(netns_fd);
        s.udp = bound(SOCK_DGRAM);
        s.tcp = bound(SOCK_STREAM);
    }
    if (::setsockopt(s.udp.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0)
        ::setsockopt(s.udp.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (::listen(s.tcp.get(), backlog) < 0) throw sys_error(errno, "listening for DNS over TCP");
    s.udp_port = port_of(s.udp.get());
    s.tcp_port = port_of(s.tcp.get());
    redirect_dns(netns_fd, s.udp_port, s.tcp_port);
    return s;
}

Sockets adopt_sockets(UniqueFd udp, UniqueFd tcp) {
    Sockets s{std::move(udp), std::move(tcp), 0, 0};
    s.udp_port = port_of(s.udp.get());
    s.tcp_port = port_of(s.tcp.get());
    return s;
}

} // namespace davit::net::dns
