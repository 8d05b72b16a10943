// ECS's metadata endpoint in the network namespaces of tasks: 169.254.170.2, port 80, served by the supervisor.
#pragma once

#include "base/acceptor.hpp"
#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "supervisor/metadata/answer.hpp"

#include <functional>
#include <list>
#include <map>
#include <string>

namespace davit::supervisor::metadata {

class Server {
public:
    // What a request in the namespace that a container holds gets.
    using Answers = std::function<Answer(const std::string& holder, const std::string& path)>;

    Server(EventLoop& loop, Answers answers) : loop_(loop), answers_(std::move(answers)) {}

    // Serving a holder again replaces its socket. Throws where the namespace does not allow it.
    void serve(const std::string& holder, int netns_fd);
    void stop(const std::string& holder) { listeners_.erase(holder); }

private:
    struct Connection {
        UniqueFd socket;
        std::string in, out;
        EventLoop::Watch watch, limit;
    };
    struct Listener {
        UniqueFd socket;
        Acceptor acceptor;
        std::list<Connection> connections;
    };

    void accept(const std::string& holder, UniqueFd socket);
    void on_events(const std::string& holder, std::list<Connection>::iterator connection, std::uint32_t events);
    bool read(const std::string& holder, Connection& connection); // false: it is over
    bool write(Connection& connection);

    EventLoop& loop_;
    Answers answers_;
    std::map<std::string, Listener> listeners_;
};

} // namespace davit::supervisor::metadata
