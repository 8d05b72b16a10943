// Questions to upstream servers: fast failover, one exchange for equal questions, a small cache.
#pragma once

#include "base/event_loop.hpp"
#include "net/dns/cache.hpp"
#include "net/dns/server.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace davit::net::dns {

// Where a client's questions go. Clients with the same servers from the same namespace share one key.
struct Route {
    std::vector<Upstream> servers;
    UniqueFd netns; // of the container, when asked from inside
    std::string key;
    // A server that answered while the one before it did not is asked first for a while.
    std::size_t preferred = 0;
    EventLoop::Clock::time_point preferred_until{};
};

class Forwarder {
public:
    // The upstream's answer as it came (its id is not the client's); empty: nobody answered in time.
    using Done = std::function<void(std::string_view answer)>;

    Forwarder(EventLoop& loop, const ServerOptions& options, ServerStats& stats);
    ~Forwarder();
    // packet: the client's question as received. tcp: the client came by TCP, so does the question.
    // done is called once, perhaps before this returns (cache, no server); never after the destructor.
    void ask(const std::shared_ptr<Route>& route, std::string_view packet, const Query& query, bool tcp, Done done);
    // Ends what is asked from inside a container: open sockets would keep its namespace alive. Its
    // callbacks are not called.
    void cancel(const std::shared_ptr<Route>& route);

private:
    struct Exchange;
    struct Attempt;
    void start_next(const std::shared_ptr<Exchange>& e);
    bool open(const std::shared_ptr<Exchange>& e, std::size_t server);
    void on_udp(const std::shared_ptr<Exchange>& e, Attempt& a);
    void on_tcp(const std::shared_ptr<Exchange>& e, Attempt& a, std::uint32_t events);
    void take(const std::shared_ptr<Exchange>& e, Attempt& a, std::string_view answer);
    void fail(const std::shared_ptr<Exchange>& e, Attempt& a);
    void finish(const std::shared_ptr<Exchange>& e, std::string_view answer, const AnswerInfo* info);

    EventLoop& loop_;
    const ServerOptions& options_;
    ServerStats& stats_;
    AnswerCache cache_;
    std::unordered_map<std::string, std::shared_ptr<Exchange>> exchanges_;
};

} // namespace davit::net::dns
