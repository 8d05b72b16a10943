// Relays of the port proxy: TCP connections and UDP sessions from a host's socket to a container.
#pragma once

#include "net/proxy/loop.hpp"
#include "net/proxy/wire.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace davit::net::proxy {

struct Target {
    sockaddr_storage address;
    socklen_t size;
};

// One published socket. Owned by the table in main.cpp.
class Entry : public Handler {
public:
    static Entry* create(Loop& loop, const Command& command, int socket); // takes the socket, also on failure
    virtual void expire(std::int64_t now) = 0;                            // ends idle UDP sessions
    void close_all(); // stops taking, ends what belongs to it; retire() it then
    bool is_of(const char* owner) const;
    const char* owner() const { return owner_; }
    Entry* next = nullptr;

protected:
    Entry(Loop& loop, const Command& command, int socket);
    ~Entry() override = default;
    virtual void end_sessions() = 0;
    Loop& loop_;
    int socket_;
    Target target_{};
    char owner_[owner_size];
};

Entry* new_tcp_entry(Loop& loop, const Command& command, int socket);
Entry* new_udp_entry(Loop& loop, const Command& command, int socket);

} // namespace davit::net::proxy
