// The port proxy as the supervisor sees it: a process of its own that outlives the supervisor.
#pragma once

#include "base/process.hpp"
#include "net/address.hpp"
#include "net/state.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace davit::net {

class PortProxy {
public:
    // program: davit-port-proxy. socket_path: where it is or will be listening (one per project).
    PortProxy(std::string program, std::string socket_path);
    PortProxy(const PortProxy&) = delete;
    ~PortProxy(); // the process goes on

    // Passes what arrives at the reserving socket on to the container (see proxy_target in ports.hpp).
    // The socket is copied. Starts the proxy when none answers: 1-2 ms then, 0.1 ms otherwise.
    // owner: container id, at most 64 bytes.
    void add(const std::string& owner, Proto proto, int socket, std::uint16_t host_port, const IpAddress& target,
             std::uint16_t target_port);
    // Ends its connections too. No proxy is fine; the last entry ends the process.
    void remove(const std::string& owner);
    // Who has entries (once per entry); empty when no proxy runs. For a supervisor that took over.
    std::vector<std::string> owners();
    // Ends with the proxy (EPOLLRDHUP); -1 while there is none. For a supervisor that notices its death.
    int connection() const { return connection_.get(); }
    void forget(); // it ended

private:
    bool connect();
    void start();
    void await_end();
    UniqueFd connection_;
    Child child_; // when this process started it
    std::string program_, path_;
};

} // namespace davit::net
