#include "net/local_service.hpp"

#include "base/error.hpp"
#include "net/firewall.hpp"
#include "net/link_messages.hpp"
#include "net/netns.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace davit::net {

namespace {

constexpr int waiting_connections = 16;
constexpr int loopback_index = 1; // of every namespace

std::uint16_t bound_port(int socket) {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) < 0)
        throw sys_error(errno, "reading the port of a socket");
    return ntohs(at.sin_port);
}

UniqueFd listening(const IpAddress& address) {
    UniqueFd s(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(address.to_v4());
    if (!s || ::bind(s.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) < 0 ||
        ::listen(s.get(), waiting_connections) < 0)
        throw sys_error(errno, "listening on {} in a container", address.to_string());
    return s;
}

} // namespace

UniqueFd open_local_service(int netns_fd, const std::string& address, std::uint16_t port, const char* table) {
    const IpAddress ip = IpAddress::parse(address);
    UniqueFd socket;
    {
        NetlinkSocket route(NETLINK_ROUTE, netns_fd);
        route.request(address_message(RTM_NEWADDR, loopback_index, InterfaceAddress{ip, 32}));
        const NetnsScope scope(netns_fd);
        socket = listening(ip);
    }
    redirect_tcp(netns_fd, table, ip.to_v4(), port, bound_port(socket.get()));
    return socket;
}

} // namespace davit::net
