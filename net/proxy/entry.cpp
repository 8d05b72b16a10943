#include "net/proxy/relay.hpp"

#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace davit::net::proxy {

Entry::Entry(Loop& loop, const Command& command, int socket) : loop_(loop), socket_(socket) {
    std::memcpy(owner_, command.owner, owner_size);
    if (command.target_v6) {
        auto* in = reinterpret_cast<sockaddr_in6*>(&target_.address);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(command.target_port);
        std::memcpy(&in->sin6_addr, command.target, 16);
        target_.size = sizeof *in;
    } else {
        auto* in = reinterpret_cast<sockaddr_in*>(&target_.address);
        in->sin_family = AF_INET;
        in->sin_port = htons(command.target_port);
        std::memcpy(&in->sin_addr, command.target, 4);
        target_.size = sizeof *in;
    }
}

Entry* Entry::create(Loop& loop, const Command& command, int socket) {
    const int off = 0;
    // The reservation drops everything until somebody reads: now somebody does.
    ::setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off);
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
    Entry* e = command.udp ? new_udp_entry(loop, command, socket) : new_tcp_entry(loop, command, socket);
    if (e && loop.add(socket, EPOLLIN, e)) return e;
    if (e) loop.retire(e);
    ::close(socket);
    return nullptr;
}

void Entry::close_all() {
    // Not shutdown(2): the reservation is the supervisor's as well.
    loop_.forget(socket_);
    ::close(socket_);
    end_sessions();
}

bool Entry::is_of(const char* owner) const { return std::memcmp(owner_, owner, owner_size) == 0; }

} // namespace davit::net::proxy
