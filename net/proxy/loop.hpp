// The proxy's event loop: one epoll, handlers with a destructor that runs after the turn. No exceptions;
// what cannot be allocated or opened drops its connection.
#pragma once

#include <cstdint>

namespace davit::net::proxy {

class Handler {
public:
    virtual void on_event(std::uint32_t events) = 0;
    bool gone() const { return gone_; }

protected:
    Handler() = default;
    virtual ~Handler() = default; // by destroy() only
    virtual void destroy() = 0;

private:
    friend class Loop;
    Handler* next_dead_ = nullptr;
    bool gone_ = false;
};

class Loop {
public:
    bool open();
    bool add(int fd, std::uint32_t events, Handler* handler);
    void change(int fd, std::uint32_t events, Handler* handler);
    void forget(int fd);
    // After this turn; events that are already queued are not delivered.
    void retire(Handler* handler);
    // One turn; limit in milliseconds, -1: none. False: epoll failed.
    bool turn(int limit);

private:
    int epoll_ = -1;
    Handler* dead_ = nullptr;
};

std::int64_t now_seconds(); // monotonic

} // namespace davit::net::proxy
