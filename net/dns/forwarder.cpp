#include "net/dns/forwarder.hpp"

#include "base/error.hpp"
#include "net/netns.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace davit::net::dns {

namespace {

constexpr std::size_t receive_size = 64 * 1024;
constexpr auto preference = std::chrono::seconds(30);

// An id that nobody guesses: with the random source port it is what guards against forged answers.
std::uint16_t random_id() {
    static std::uint16_t pool[128];
    static std::size_t left = 0;
    if (left == 0) {
        if (::getrandom(pool, sizeof pool, 0) != static_cast<ssize_t>(sizeof pool))
            throw sys_error(errno, "reading random numbers");
        left = std::size(pool);
    }
    return pool[--left];
}

// Equal for questions that have equal answers: name in lower case, type, class, the flags that matter.
std::string key_of(const Route& route, std::string_view packet, const Query& q, bool tcp) {
    std::string key = route.key;
    key += tcp ? 'T' : 'U';
    key += static_cast<char>((q.flags >> 8 & 1) | (q.flags & 0x10) | (q.edns ? 2 : 0) | (q.dnssec_ok ? 4 : 0));
    if (!tcp) key += std::to_string(q.udp_size);
    for (std::size_t i = header_size; i < q.question_end; ++i) {
        const char c = packet[i];
        key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return key;
}

bool is_failure(std::uint8_t rcode) { return rcode != rcode_ok && rcode != rcode_no_name; }

} // namespace

struct Forwarder::Attempt {
    std::size_t server = 0;
    bool done = false;
    bool connecting = false;
    UniqueFd socket;
    std::string out; // what is to be sent; over TCP with its length
    std::string packet;
    std::string in;
    EventLoop::Watch watch; // ends before the socket closes
};

struct Forwarder::Exchange {
    std::string key;
    std::shared_ptr<Route> route;
    std::string packet;
    bool tcp = false;
    bool finished = false;
    std::size_t first = 0; // server to begin with
    std::size_t tried = 0;
    std::vector<std::unique_ptr<Attempt>> attempts;
    std::string failure; // the last answer that was one
    std::vector<Done> waiting;
    EventLoop::Watch failover, deadline;
};

Forwarder::Forwarder(EventLoop& loop, const ServerOptions& options, ServerStats& stats)
    : loop_(loop), options_(options), stats_(stats), cache_(options.cache_entries) {}

Forwarder::~Forwarder() = default;

void Forwarder::ask(const std::shared_ptr<Route>& route, std::string_view packet, const Query& query, bool tcp,
                    Done done) {
    if (route->servers.empty()) return done({});
    const auto now = EventLoop::Clock::now();
    std::string key = key_of(*route, packet, query, tcp);
    if (const auto cached = cache_.find(key, now)) {
        ++stats_.cached;
        return done(*cached);
    }
    if (const auto running = exchanges_.find(key); running != exchanges_.end()) {
        running->second->waiting.push_back(std::move(done));
        return;
    }
    ++stats_.forwarded;
    auto e = std::make_shared<Exchange>();
    e->key = key;
    e->route = route;
    e->packet = packet;
    e->tcp = tcp;
    e->first = now < route->preferred_until ? route->preferred : 0;
    e->waiting.push_back(std::move(done));
    exchanges_.emplace(std::move(key), e);
    e->deadline = loop_.after(options_.total_timeout, [this, weak = std::weak_ptr(e)] {
        if (const auto x = weak.lock()) finish(x, x->failure, nullptr);
    });
    start_next(e);
}

void Forwarder::cancel(const std::shared_ptr<Route>& route) {
    route->netns.reset();
    std::erase_if(exchanges_, [&](const auto& entry) {
        Exchange& e = *entry.second;
        if (e.route != route) return false;
        e.finished = true;
        e.failover.reset();
        e.deadline.reset();
        e.attempts.clear();
        return true;
    });
}

void Forwarder::start_next(const std::shared_ptr<Exchange>& e) {
    const std::size_t count = e->route->servers.size();
    while (!e->finished && e->tried < count) {
        if (!open(e, (e->first + e->tried++) % count)) continue;
        if (e->tried < count)
            e->failover = loop_.after(options_.upstream_timeout, [this, weak = std::weak_ptr(e)] {
                ++stats_.upstream_timeouts;
                if (const auto x = weak.lock()) start_next(x);
            });
        return;
    }
    for (const auto& a : e->attempts)
        if (!a->done) return;
    finish(e, e->failure, nullptr);
}

bool Forwarder::open(const std::shared_ptr<Exchange>& e, std::size_t server) {
    const Upstream& u = e->route->servers[server];
    auto a = std::make_unique<Attempt>();
    a->server = server;
    const auto make = [&] {
        return UniqueFd(::socket(u.address.is_v6() ? AF_INET6 : AF_INET,
                                 (e->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    };
    try {
        a->socket = u.from_container ? in_netns(e->route->netns.get(), make) : make();
    } catch (const Error&) {
        return false; // the namespace is gone, and its client with it
    }
    sockaddr_storage to{};
    socklen_t size = 0;
    if (u.address.is_v6()) {
        auto* in = reinterpret_cast<sockaddr_in6*>(&to);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(u.port);
        std::memcpy(&in->sin6_addr, u.address.data(), 16);
        size = sizeof *in;
    } else {
        auto* in = reinterpret_cast<sockaddr_in*>(&to);
        in->sin_family = AF_INET;
        in->sin_port = htons(u.port);
        std::memcpy(&in->sin_addr, u.address.data(), 4);
        size = sizeof *in;
    }
    if (!a->socket || (::connect(a->socket.get(), reinterpret_cast<sockaddr*>(&to), size) < 0 && errno != EINPROGRESS))
        return false;
    a->packet = e->packet;
    const std::uint16_t id = random_id();
    std::memcpy(a->packet.data(), &id, sizeof id);
    if (e->tcp) {
        const auto length = static_cast<std::uint16_t>(a->packet.size());
        a->out = {static_cast<char>(length >> 8), static_cast<char>(length & 0xff)};
        a->out += a->packet;
        a->connecting = true;
    } else if (::send(a->socket.get(), a->packet.data(), a->packet.size(), 0) < 0) {
        return false;
    }
    Attempt* raw = a.get();
    a->watch = loop_.watch_fd(raw->socket.get(), e->tcp ? EPOLLIN | EPOLLOUT : EPOLLIN,
                              [this, raw, weak = std::weak_ptr(e)](std::uint32_t events) {
                                  const auto x = weak.lock();
                                  if (!x || x->finished || raw->done) return;
                                  x->tcp ? on_tcp(x, *raw, events) : on_udp(x, *raw);
                              });
    e->attempts.push_back(std::move(a));
    return true;
}

void Forwarder::on_udp(const std::shared_ptr<Exchange>& e, Attempt& a) {
    char buffer[max_udp];
    const ssize_t n = ::recv(a.socket.get(), buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return fail(e, a); // connection refused: nobody listens there
    take(e, a, {buffer, static_cast<std::size_t>(n)});
}

void Forwarder::on_tcp(const std::shared_ptr<Exchange>& e, Attempt& a, std::uint32_t events) {
    if (!a.out.empty() && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        const ssize_t n = ::send(a.socket.get(), a.out.data(), a.out.size(), MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return fail(e, a);
        if (n > 0) a.out.erase(0, static_cast<std::size_t>(n));
        if (a.out.empty()) loop_.change_events(a.socket.get(), EPOLLIN);
        return;
    }
    std::vector<char> buffer(receive_size);
    const ssize_t n = ::recv(a.socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return fail(e, a);
    a.in.append(buffer.data(), static_cast<std::size_t>(n));
    if (a.in.size() < 2) return;
    const std::size_t length =
        std::size_t{static_cast<std::uint8_t>(a.in[0])} << 8 | static_cast<std::uint8_t>(a.in[1]);
    if (a.in.size() < 2 + length) return;
    const std::string answer = a.in.substr(2, length);
    take(e, a, answer);
    if (!e->finished && !a.done) fail(e, a); // over TCP there is no second datagram to wait for
}

void Forwarder::take(const std::shared_ptr<Exchange>& e, Attempt& a, std::string_view answer) {
    const auto info = inspect_answer(answer, a.packet);
    if (!info) return; // forged or broken: the real one may still come
    if (is_failure(info->rcode)) {
        e->failure = answer;
        return fail(e, a);
    }
    if (a.server != 0 || e->first != 0) {
        e->route->preferred = a.server;
        e->route->preferred_until = EventLoop::Clock::now() + preference;
    }
    finish(e, answer, &*info);
}

void Forwarder::fail(const std::shared_ptr<Exchange>& e, Attempt& a) {
    a.done = true;
    a.watch.reset();
    start_next(e);
}

void Forwarder::finish(const std::shared_ptr<Exchange>& e, std::string_view answer, const AnswerInfo* info) {
    if (e->finished) return;
    e->finished = true;
    exchanges_.erase(e->key);
    if (info) cache_.insert(e->key, answer, *info, EventLoop::Clock::now());
    e->failover.reset();
    e->deadline.reset();
    for (const auto& a : e->attempts) a->watch.reset();
    // The answer may lie in the exchange itself, which the caller keeps alive.
    for (const Done& done : std::exchange(e->waiting, {})) done(answer);
}

} // namespace davit::net::dns
