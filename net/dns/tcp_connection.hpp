// One client's DNS connection: length-prefixed questions in, answers out, bounded in both directions.
#pragma once

#include "base/event_loop.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace davit::net::dns {

class TcpConnection {
public:
    using OnQuery = std::function<void(TcpConnection&, std::string_view packet)>;
    using OnEnd = std::function<void(TcpConnection&)>; // closed, idle or misbehaving: drop it, not at once

    TcpConnection(EventLoop& loop, UniqueFd socket, std::chrono::milliseconds idle, OnQuery on_query, OnEnd on_end);
    TcpConnection(const TcpConnection&) = delete;
    std::uint64_t number() const { return number_; } // unique in the process
    void answer(std::string_view packet);

private:
    void on_events(std::uint32_t events);
    bool receive();
    void take_queries();
    void flush();
    void end();
    void rest();
    void arm();

    EventLoop& loop_;
    UniqueFd socket_;
    std::chrono::milliseconds idle_;
    OnQuery on_query_;
    OnEnd on_end_;
    std::uint64_t number_;
    std::string in_, out_;
    bool ended_ = false;
    bool writing_ = false;
    bool extended_ = false;
    unsigned waiting_ = 0;  // questions without an answer yet
    EventLoop::Watch more_; // questions are left for the next turn of the loop
    EventLoop::Watch idle_timer_;
    EventLoop::Watch watch_; // ends before the socket closes
};

} // namespace davit::net::dns
