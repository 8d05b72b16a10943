#include "supervisor/metadata/server.hpp"

#include "net/local_service.hpp"
#include "project/record.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace davit::supervisor::metadata {

namespace {
using namespace std::chrono_literals;
constexpr std::uint16_t http = 80;
constexpr auto patience = 5s; // with a client that sends or reads slowly
constexpr std::size_t longest_request = 8192;
constexpr std::size_t most_connections = 16; // of one task
constexpr const char* table = "davit-ecs";

std::string response(const Answer& answer) {
    const bool found = answer.status == 200;
    const char* reason = found                  ? "OK"
                         : answer.status == 404 ? "Not Found"
                         : answer.status == 405 ? "Method Not Allowed"
                                                : "Bad Request";
    return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                       answer.status, reason, found ? "application/json" : "text/plain", answer.body.size(),
                       answer.body);
}
} // namespace

void Server::serve(const std::string& holder, int netns_fd) {
    stop(holder);
    Listener& listener = listeners_[holder];
    try {
        listener.socket = net::open_local_service(netns_fd, ecs_metadata_address, http, table);
    } catch (...) {
        stop(holder);
        throw;
    }
    listener.acceptor.start(loop_, listener.socket.get(),
                            [this, holder](UniqueFd socket) { accept(holder, std::move(socket)); });
}

void Server::accept(const std::string& holder, UniqueFd socket) {
    Listener& listener = listeners_.at(holder);
    if (listener.connections.size() >= most_connections) return;
    const auto it = listener.connections.emplace(listener.connections.end());
    it->socket = std::move(socket);
    it->watch = loop_.watch_fd(it->socket.get(), EPOLLIN,
                               [this, holder, it](std::uint32_t events) { on_events(holder, it, events); });
    it->limit = loop_.after(patience, [this, holder, it] { listeners_.at(holder).connections.erase(it); });
}

void Server::on_events(const std::string& holder, std::list<Connection>::iterator connection, std::uint32_t events) {
    const bool goes_on = events & EPOLLOUT ? write(*connection) : read(holder, *connection);
    if (!goes_on) listeners_.at(holder).connections.erase(connection);
}

bool Server::read(const std::string& holder, Connection& c) {
    char buffer[2048];
    const ssize_t n = ::recv(c.socket.get(), buffer, sizeof buffer, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    c.in.append(buffer, static_cast<std::size_t>(n));
    if (c.in.size() > longest_request) return false;
    if (c.in.find("\r\n\r\n") == std::string::npos) return true;
    const auto space = c.in.find(' '), end = c.in.find_first_of(" ?\r", space + 1);
    if (space == std::string::npos || end == std::string::npos) return false;
    std::string path = c.in.substr(space + 1, end - space - 1);
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    c.out = response(c.in.starts_with("GET ") ? answers_(holder, path) : Answer{405, "only GET"});
    loop_.change_events(c.socket.get(), EPOLLOUT);
    return write(c);
}

bool Server::write(Connection& c) {
    const ssize_t n = ::send(c.socket.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    c.out.erase(0, static_cast<std::size_t>(n));
    return !c.out.empty();
}

} // namespace davit::supervisor::metadata
