// A private machine for kernel tests: the process lives in a network namespace of its own, containers
// are further namespaces, and sockets are opened in them without any process inside.
#pragma once

#include "net/address.hpp"
#include "net/endpoint.hpp"
#include "net/netns.hpp"
#include "net/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::net::lab {

// A container on one bridge, with a TCP and a UDP server on port 8080 that answer with the peer's address.
UniqueFd container(NetlinkSocket& host, const std::string& bridge, std::vector<InterfaceAddress> addresses,
                   const IpAddress& gateway, bool icc = true);

UniqueFd tcp_listen(int netns_fd, const std::string& address, std::uint16_t port);
UniqueFd udp_bind(int netns_fd, const std::string& address, std::uint16_t port);

// Connects from one namespace to an address where `listener` waits; gives the source address that the
// server saw, or why not: "refused", "timeout", "unreachable". -1: the host.
std::string tcp_try(int from_netns, const std::string& address, std::uint16_t port, int listener);
std::string udp_try(int from_netns, const std::string& address, std::uint16_t port, int server);

// As those, where any of several servers may be reached: "2 from 172.30.1.12", else why not, and how long it took.
struct Reached {
    int server = -1; // index; -1: none
    std::string source, error;
    int milliseconds = 0;
    UniqueFd client, accepted; // TCP: still connected
};
Reached tcp_any(int from_netns, const std::string& address, std::uint16_t port, const std::vector<int>& listeners);
// from_port: 0: any.
Reached udp_any(int from_netns, const std::string& address, std::uint16_t port, const std::vector<int>& servers,
                std::uint16_t from_port = 0);
// Does a byte go through and come back?
bool echoes(const Reached& connection);

// Output of a program, run in this namespace ("nft list ruleset").
std::string output_of(const std::vector<std::string>& argv);

// A directory that is removed with its contents.
class TempDir {
public:
    TempDir();
    ~TempDir();
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace davit::net::lab
