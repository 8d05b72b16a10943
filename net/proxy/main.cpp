// davit-port-proxy: what the host's rules cannot translate (::1, and hosts and containers of different
// families) is passed on by this process. It outlives its supervisor and ends with its last entry.
#include "net/proxy/confine.hpp"
#include "net/proxy/relay.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace davit::net::proxy {

namespace {

constexpr int expiry_turn = 15000; // milliseconds between looks at idle UDP sessions

Loop loop;
Entry* entries = nullptr;
std::uint32_t count = 0;
bool finished = false;

class Client final : public Handler {
public:
    explicit Client(int fd) : fd_(fd) {}
    void on_event(std::uint32_t) override;
    void end() {
        loop.forget(fd_);
        ::close(fd_);
        loop.retire(this);
    }

protected:
    void destroy() override {
        this->~Client();
        std::free(this);
    }

private:
    void reply(int errnum);
    void list();
    int fd_;
};

void Client::reply(int errnum) {
    const Reply r{errnum, count};
    ::send(fd_, &r, sizeof r, MSG_NOSIGNAL);
}

void Client::list() {
    const std::size_t size = sizeof(Reply) + std::size_t{count} * owner_size;
    char* out = static_cast<char*>(std::malloc(size));
    if (!out) return reply(ENOMEM);
    const Reply r{0, count};
    std::memcpy(out, &r, sizeof r);
    char* at = out + sizeof r;
    for (const Entry* e = entries; e; e = e->next, at += owner_size) std::memcpy(at, e->owner(), owner_size);
    ::send(fd_, out, size, MSG_NOSIGNAL);
    std::free(out);
}

void remove_owner(const char* owner) {
    for (Entry** p = &entries; *p;) {
        Entry* e = *p;
        if (!e->is_of(owner)) {
            p = &e->next;
            continue;
        }
        *p = e->next;
        --count;
        e->close_all();
        loop.retire(e);
    }
}

int add_entry(const Command& c, int socket) {
    if (socket < 0) return EBADF;
    if (count >= max_entries) {
        ::close(socket);
        return ENOSPC;
    }
    Entry* e = Entry::create(loop, c, socket);
    if (!e) return ENOMEM;
    e->next = entries;
    entries = e;
    ++count;
    return 0;
}

// The first descriptor of the message, others are closed.
int take_fd(msghdr& m) {
    int first = -1;
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < n; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (first < 0) first = fd;
            else ::close(fd);
        }
    }
    return first;
}

void Client::on_event(std::uint32_t) {
    Command c{};
    iovec data{&c, sizeof c};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    msghdr m{};
    m.msg_iov = &data;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(fd_, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return end();
    const int fd = take_fd(m);
    const bool sane = n == sizeof c && c.magic == magic && c.version == version;
    if (sane && c.op == Op::add) return reply(add_entry(c, fd));
    if (fd >= 0) ::close(fd);
    if (!sane) return reply(EPROTO);
    if (c.op == Op::list) return list();
    if (c.op != Op::remove) return reply(EINVAL);
    remove_owner(c.owner);
    reply(0);
    finished = count == 0;
}

uid_t started_by = 0;

bool is_owner(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == started_by || peer.uid == 0);
}

class Control final : public Handler {
public:
    void on_event(std::uint32_t) override {
        const int fd = ::accept4(control_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS ? pause() : void();
        void* room = is_owner(fd) ? std::malloc(sizeof(Client)) : nullptr;
        if (!room) {
            ::close(fd);
            return;
        }
        auto* client = new (room) Client(fd);
        if (!loop.add(fd, EPOLLIN, client)) client->end();
    }
    void expire(std::int64_t now) {
        if (paused_until_ == 0 || now < paused_until_) return;
        paused_until_ = 0;
        loop.add(control_fd, EPOLLIN, this);
    }

protected:
    void destroy() override {}

private:
    // What waits would be reported again at once, and again.
    void pause() {
        loop.forget(control_fd);
        paused_until_ = now_seconds() + 1;
    }
    std::int64_t paused_until_ = 0;
};

int run() {
    static Control control;
    ::prctl(PR_SET_DUMPABLE, 0);
    ::signal(SIGPIPE, SIG_IGN);
    started_by = ::geteuid();
    if (!loop.open() || !confine() || !loop.add(control_fd, EPOLLIN, &control)) return 1;
    while (!finished) {
        if (!loop.turn(expiry_turn)) return 1;
        const std::int64_t now = now_seconds();
        control.expire(now);
        for (Entry* e = entries; e; e = e->next) e->expire(now);
    }
    return 0;
}

} // namespace

} // namespace davit::net::proxy

int main() { return davit::net::proxy::run(); }
