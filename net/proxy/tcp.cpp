#include "net/proxy/relay.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>
#include <sys/epoll.h>
#include <unistd.h>

namespace davit::net::proxy {

namespace {

constexpr std::size_t chunk = 128 * 1024; // larger ones were not faster, nor was splice(2)
constexpr int accepts_per_turn = 16;
// Whoever connects and does not read costs up to two chunks a connection: so many, and no more memory than that.
constexpr int max_relays = 1024;
int relay_count = 0;
char shared_buffer[chunk];

class TcpEntry;
class Relay;

// One end of a connection. `pending` is what the other end sent and this one could not take yet.
class Side final : public Handler {
public:
    Relay* relay = nullptr;
    Side* other = nullptr;
    int fd = -1;
    char* pending = nullptr;
    std::size_t offset = 0, size = 0;
    bool connecting = false;
    bool read_end = false;  // it sent its FIN
    bool write_end = false; // we sent ours
    std::uint32_t watched = 0;

    void on_event(std::uint32_t events) override;
    void watch();
    bool flush();
    bool pump();

protected:
    void destroy() override {}
};

class Relay final : public Handler {
public:
    Relay(Loop& l, TcpEntry* e) : loop(l), entry(e) {
        client.relay = target.relay = this;
        client.other = &target;
        target.other = &client;
    }
    Loop& loop;
    TcpEntry* entry; // null: the entry is gone
    Relay* next = nullptr;
    Relay** link = nullptr; // the pointer that holds us in the entry's list
    Side client, target;

    void on_event(std::uint32_t) override {}
    void end(bool reset);

protected:
    void destroy() override {
        std::free(client.pending);
        std::free(target.pending);
        this->~Relay();
        std::free(this);
    }
};

void reset_on_close(int fd) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void refuse(int fd) {
    reset_on_close(fd);
    ::close(fd);
}

class TcpEntry final : public Entry {
public:
    TcpEntry(Loop& loop, const Command& command, int socket) : Entry(loop, command, socket) {}
    void on_event(std::uint32_t) override {
        for (int i = 0; i < accepts_per_turn; ++i) {
            const int fd = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS ? pause() : void();
            if (relay_count < max_relays) start(fd);
            else refuse(fd);
        }
    }
    void expire(std::int64_t now) override {
        if (paused_until_ == 0 || now < paused_until_) return;
        paused_until_ = 0;
        loop_.add(socket_, EPOLLIN, this);
    }
    Relay* relays = nullptr;

protected:
    // The container is gone, and with it the connections to it.
    void end_sessions() override {
        while (relays) relays->end(true);
    }
    void destroy() override {
        this->~TcpEntry();
        std::free(this);
    }

private:
    void start(int client);
    // What waits would be reported again at once, and again.
    void pause() {
        loop_.forget(socket_);
        paused_until_ = now_seconds() + 1;
    }
    std::int64_t paused_until_ = 0;
};

void TcpEntry::start(int client) {
    const int fd = ::socket(target_.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    void* room = fd >= 0 ? std::malloc(sizeof(Relay)) : nullptr;
    if (!room) {
        refuse(client);
        if (fd >= 0) ::close(fd);
        return;
    }
    ++relay_count;
    auto* r = new (room) Relay(loop_, this);
    r->client.fd = client;
    r->target.fd = fd;
    r->link = &relays;
    r->next = relays;
    if (relays) relays->link = &r->next;
    relays = r;
    const bool failed =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&target_.address), target_.size) < 0 && errno != EINPROGRESS;
    r->target.connecting = true;
    r->target.watched = EPOLLOUT;
    // The client is watched once the target answers.
    if (failed || !loop_.add(fd, EPOLLOUT, &r->target)) r->end(true);
}

void Relay::end(bool reset) {
    if (gone()) return;
    --relay_count;
    *link = next;
    if (next) next->link = link;
    loop.retire(this); // before its sides, which are part of it: what is retired last is destroyed first
    for (Side* s : {&client, &target}) {
        loop.forget(s->fd);
        if (reset) reset_on_close(s->fd);
        ::close(s->fd);
        loop.retire(s);
    }
}

void Side::watch() {
    std::uint32_t events = 0;
    if (connecting || size > 0) events |= EPOLLOUT;
    // Nobody reads what cannot be passed on.
    if (!read_end && !connecting && !other->connecting && other->size == 0) events |= EPOLLIN;
    if (events == watched) return;
    // A hang-up is reported whatever is asked for: a side that has to wait leaves the set, or it would
    // spin, and what it still has to be read would be taken for lost.
    if (events == 0) relay->loop.forget(fd);
    else if (watched == 0) relay->loop.add(fd, events, this);
    else relay->loop.change(fd, events, this);
    watched = events;
}

// False: the connection is to be reset.
bool Side::flush() {
    while (size > 0) {
        const ssize_t n = ::send(fd, pending + offset, size, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        offset += static_cast<std::size_t>(n);
        size -= static_cast<std::size_t>(n);
    }
    offset = 0;
    std::free(pending);
    pending = nullptr;
    if (other->read_end && !write_end) {
        write_end = true;
        ::shutdown(fd, SHUT_WR);
    }
    return true;
}

// Reads once and hands it to the other end.
bool Side::pump() {
    const ssize_t n = ::recv(fd, shared_buffer, chunk, 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) {
        read_end = true;
        return other->flush();
    }
    std::size_t sent = 0;
    const auto total = static_cast<std::size_t>(n);
    while (sent < total) {
        const ssize_t m = ::send(other->fd, shared_buffer + sent, total - sent, MSG_NOSIGNAL);
        if (m < 0 && errno == EINTR) continue;
        if (m < 0 && errno != EAGAIN) return false;
        if (m < 0) break;
        sent += static_cast<std::size_t>(m);
    }
    if (sent == total) return true;
    other->pending = static_cast<char*>(std::malloc(total - sent));
    if (!other->pending) return false;
    std::memcpy(other->pending, shared_buffer + sent, total - sent);
    other->offset = 0;
    other->size = total - sent;
    return true;
}

void Side::on_event(std::uint32_t events) {
    if (connecting) {
        int err = 0;
        socklen_t err_size = sizeof err;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_size);
        if (err != 0) return relay->end(true); // as if the port were closed
        connecting = false;
    }
    bool ok = !(events & EPOLLERR);
    if (ok && (events & EPOLLOUT)) ok = flush();
    if (ok && (watched & EPOLLIN) && (events & (EPOLLIN | EPOLLHUP))) ok = pump();
    if (!ok) return relay->end(true);
    if (read_end && other->read_end && size == 0 && other->size == 0) return relay->end(false);
    watch();
    other->watch();
}

} // namespace

Entry* new_tcp_entry(Loop& loop, const Command& command, int socket) {
    void* room = std::malloc(sizeof(TcpEntry));
    return room ? new (room) TcpEntry(loop, command, socket) : nullptr;
}

} // namespace davit::net::proxy
