#include "server.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

sockaddr_in address(std::uint32_t host, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(host);
    out.sin_port = htons(port);
    return out;
}

void send_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t n = ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += static_cast<std::size_t>(n);
    }
}

} // namespace

int serve(std::uint16_t port, const std::function<std::string()>& answer) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in here = address(INADDR_ANY, port);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) < 0 || ::listen(listener, 64) < 0) {
        std::perror("counter");
        return 1;
    }
    for (;;) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        char request[4096];
        if (::recv(client, request, sizeof request, 0) > 0) {
            const std::string body = answer();
            send_all(client, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " +
                                 std::to_string(body.size()) + "\r\n\r\n" + body);
        }
        ::close(client);
    }
}

std::string ask(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in there = address(INADDR_LOOPBACK, port);
    std::string out;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0) {
        send_all(fd, "GET / HTTP/1.0\r\n\r\n");
        char part[4096];
        for (ssize_t n; (n = ::recv(fd, part, sizeof part, 0)) > 0;) out.append(part, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return out;
}
