#include "net/proxy/relay.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/epoll.h>
#include <unistd.h>

namespace davit::net::proxy {

namespace {

constexpr std::int64_t idle_seconds = 90; // as conntrack gives a UDP stream half
constexpr int max_sessions = 512;
constexpr int datagrams_per_turn = 32;
constexpr std::size_t datagram = 65535;
char shared_buffer[datagram];

class UdpEntry;

// One client: a socket connected to the container, so that answers find their way back.
class Session final : public Handler {
public:
    UdpEntry* entry = nullptr;
    Session* next = nullptr;
    int fd = -1;
    std::int64_t last = 0;
    sockaddr_storage client{};
    socklen_t client_size = 0;
    in6_pktinfo local6{}; // the address that the client wrote to
    in_pktinfo local4{};

    void on_event(std::uint32_t events) override;

protected:
    void destroy() override {
        this->~Session();
        std::free(this);
    }
};

class UdpEntry final : public Entry {
public:
    UdpEntry(Loop& loop, const Command& command, int socket) : Entry(loop, command, socket) {
        const int on = 1;
        ::setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
        ::setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    }
    void on_event(std::uint32_t) override {
        for (int i = 0; i < datagrams_per_turn; ++i)
            if (!take_one()) return;
    }
    void answer(const Session& s, const char* data, std::size_t size) const;
    void expire(std::int64_t now) override {
        for (Session** p = &sessions_; *p;)
            if (now - (*p)->last > idle_seconds) drop(p);
            else p = &(*p)->next;
    }

protected:
    void end_sessions() override {
        while (sessions_) drop(&sessions_);
    }
    void destroy() override {
        this->~UdpEntry();
        std::free(this);
    }

private:
    bool take_one();
    Session* session_for(const msghdr& message);
    void drop(Session** place);
    Session* sessions_ = nullptr; // newest first
    int count_ = 0;
};

bool same_client(const Session& s, const msghdr& m) {
    if (s.client_size != m.msg_namelen) return false;
    if (s.client.ss_family == AF_INET6) {
        const auto* a = reinterpret_cast<const sockaddr_in6*>(&s.client);
        const auto* b = static_cast<const sockaddr_in6*>(m.msg_name);
        return a->sin6_port == b->sin6_port && std::memcmp(&a->sin6_addr, &b->sin6_addr, 16) == 0;
    }
    const auto* a = reinterpret_cast<const sockaddr_in*>(&s.client);
    const auto* b = static_cast<const sockaddr_in*>(m.msg_name);
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

void note_local(Session& s, msghdr& m) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            std::memcpy(&s.local6, CMSG_DATA(c), sizeof s.local6);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            std::memcpy(&s.local4, CMSG_DATA(c), sizeof s.local4);
    }
}

void UdpEntry::drop(Session** place) {
    Session* s = *place;
    *place = s->next;
    --count_;
    loop_.forget(s->fd);
    ::close(s->fd);
    loop_.retire(s);
}

Session* UdpEntry::session_for(const msghdr& message) {
    for (Session* s = sessions_; s; s = s->next)
        if (same_client(*s, message)) return s;
    if (count_ >= max_sessions) { // the oldest makes room
        Session** last = &sessions_;
        while ((*last)->next) last = &(*last)->next;
        drop(last);
    }
    const int fd = ::socket(target_.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    void* room = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&target_.address), target_.size) == 0
                     ? std::malloc(sizeof(Session))
                     : nullptr;
    if (!room) {
        if (fd >= 0) ::close(fd);
        return nullptr;
    }
    auto* s = new (room) Session;
    s->entry = this;
    s->fd = fd;
    std::memcpy(&s->client, message.msg_name, message.msg_namelen);
    s->client_size = message.msg_namelen;
    s->next = sessions_;
    sessions_ = s;
    ++count_;
    if (loop_.add(fd, EPOLLIN, s)) return s;
    drop(&sessions_);
    return nullptr;
}

bool UdpEntry::take_one() {
    sockaddr_storage from{};
    iovec data{shared_buffer, datagram};
    alignas(cmsghdr) char control[256];
    msghdr m{};
    m.msg_name = &from;
    m.msg_namelen = sizeof from;
    m.msg_iov = &data;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(socket_, &m, MSG_DONTWAIT);
    if (n < 0) return false;
    Session* s = session_for(m);
    if (!s) return true;
    note_local(*s, m);
    s->last = now_seconds();
    ::send(s->fd, shared_buffer, static_cast<std::size_t>(n), MSG_DONTWAIT);
    return true;
}

template <typename Info>
void attach(msghdr& m, char* control, int level, int type, const Info& info) {
    m.msg_control = control;
    m.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
}

// From the address that the client wrote to: another one would not be accepted.
void UdpEntry::answer(const Session& s, const char* data, std::size_t size) const {
    sockaddr_storage to = s.client;
    iovec out{const_cast<char*>(data), size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))]{};
    msghdr m{};
    m.msg_name = &to;
    m.msg_namelen = s.client_size;
    m.msg_iov = &out;
    m.msg_iovlen = 1;
    if (to.ss_family == AF_INET6) {
        attach(m, control, IPPROTO_IPV6, IPV6_PKTINFO, s.local6);
    } else {
        in_pktinfo info{};
        info.ipi_spec_dst = s.local4.ipi_spec_dst;
        attach(m, control, IPPROTO_IP, IP_PKTINFO, info);
    }
    ::sendmsg(socket_, &m, MSG_DONTWAIT);
}

void Session::on_event(std::uint32_t) {
    for (int i = 0; i < datagrams_per_turn; ++i) {
        const ssize_t n = ::recv(fd, shared_buffer, datagram, MSG_DONTWAIT);
        if (n < 0) return; // nothing left, or the container refused: the client hears nothing, as with UDP
        last = now_seconds();
        entry->answer(*this, shared_buffer, static_cast<std::size_t>(n));
    }
}

} // namespace

Entry* new_udp_entry(Loop& loop, const Command& command, int socket) {
    void* room = std::malloc(sizeof(UdpEntry));
    return room ? new (room) UdpEntry(loop, command, socket) : nullptr;
}

} // namespace davit::net::proxy
