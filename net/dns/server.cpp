#include "net/dns/server.hpp"

#include "base/acceptor.hpp"
#include "base/error.hpp"
#include "net/dns/forwarder.hpp"
#include "net/dns/tcp_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <random>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unordered_map>

namespace davit::net::dns {

namespace {

constexpr unsigned batch = 32;
constexpr unsigned batches_per_turn = 4; // then the others' turn
constexpr std::size_t query_size = 1536;
constexpr std::size_t tcp_limit = 65535;

// Room for one recvmmsg and its answers, shared by all sockets.
struct Batch {
    std::vector<char> bytes = std::vector<char>(batch * query_size);
    sockaddr_in peers[batch];
    iovec in[batch], out[batch];
    mmsghdr messages[batch], answers[batch];
    std::string texts[batch];

    int receive(int socket) {
        for (unsigned i = 0; i < batch; ++i) {
            in[i] = {bytes.data() + i * query_size, query_size};
            messages[i] = {};
            messages[i].msg_hdr.msg_name = &peers[i];
            messages[i].msg_hdr.msg_namelen = sizeof peers[i];
            messages[i].msg_hdr.msg_iov = &in[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        return ::recvmmsg(socket, messages, batch, MSG_DONTWAIT, nullptr);
    }
    std::string_view packet(unsigned i) const { return {bytes.data() + i * query_size, messages[i].msg_len}; }
    void add_answer(unsigned n, unsigned from) {
        out[n] = {texts[n].data(), texts[n].size()};
        answers[n] = {};
        answers[n].msg_hdr.msg_name = &peers[from];
        answers[n].msg_hdr.msg_namelen = sizeof peers[from];
        answers[n].msg_hdr.msg_iov = &out[n];
        answers[n].msg_hdr.msg_iovlen = 1;
    }
    void send(int socket, unsigned count) {
        for (unsigned sent = 0; sent < count;) {
            const int n = ::sendmmsg(socket, answers + sent, count - sent, MSG_DONTWAIT);
            if (n < 0 && errno == EINTR) continue;
            // One that cannot be sent is lost, as any datagram may be; the others still go.
            sent += n > 0 ? static_cast<unsigned>(n) : 1;
        }
    }
};

// What the server answers itself for a name it knows; the rest (TXT, SRV, HTTPS, ANY …) goes upstream, as with Docker.
bool answered_here(std::uint16_t type) { return type == type_a || type == type_aaaa || type == type_mx; }

bool is_host_question(const Query& q) { return q.klass == 1 && q.plain && !q.name.empty(); }

// A question that waits for an upstream, until it is answered or dropped.
class Counted {
public:
    explicit Counted(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
    ~Counted() { --*count_; }
    Counted(const Counted&) = delete;

private:
    std::shared_ptr<std::size_t> count_;
};

} // namespace

struct Server::Impl {
    struct Served {
        ServeSpec spec;
        Sockets sockets;
        std::shared_ptr<Route> route;
        unsigned inflight = 0;
        std::uint64_t serial = 0; // a later answer for a replaced client is dropped
        std::vector<std::unique_ptr<TcpConnection>> connections;
        EventLoop::Watch udp; // both end before the sockets close
        Acceptor tcp;
    };

    EventLoop& loop;
    Registry& registry;
    const ServerOptions options;
    ServerStats stats;
    Forwarder forwarder{loop, options, stats};
    std::unordered_map<std::string, std::unique_ptr<Served>> clients;
    std::uint64_t next_serial = 1;
    std::shared_ptr<std::size_t> inflight = std::make_shared<std::size_t>(0); // of all clients
    Batch io;
    std::vector<Record> records; // of the answer being written
    std::minstd_rand shuffle_source{std::random_device{}()};

    Impl(EventLoop& l, Registry& r, ServerOptions o) : loop(l), registry(r), options(o) {}

    Served* find(const std::string& id, std::uint64_t serial) {
        const auto it = clients.find(id);
        return it != clients.end() && it->second->serial == serial ? it->second.get() : nullptr;
    }

    unsigned share() const { return std::max(8u, options.max_inflight / static_cast<unsigned>(clients.size())); }

    void set_route(Served& s, int netns_fd) {
        auto route = std::make_shared<Route>();
        bool inside = false;
        for (const Upstream& u : s.spec.upstreams)
            if (s.spec.external || u.from_container) {
                route->servers.push_back(u);
                inside = inside || u.from_container;
                route->key += fmt::format("{}:{} ", u.address.to_string(), u.port);
            }
        if (inside) {
            route->netns.reset(::fcntl(netns_fd, F_DUPFD_CLOEXEC, 3));
            if (!route->netns) throw sys_error(errno, "keeping a container's network namespace for its DNS servers");
            route->key += s.spec.client.container_id;
        }
        s.route = std::move(route);
    }

    // Writes the answer if we know one; false: somebody else has to be asked.
    bool answer_here(Served& s, std::string_view packet, const Query& q, std::size_t limit, std::string& out) {
        if (!is_host_question(q)) return false;
        records.clear();
        if (q.type == type_ptr) {
            const auto address = parse_reverse_name(q.name);
            std::string target = address ? registry.reverse(s.spec.client, *address) : std::string();
            if (target.empty()) return false;
            records.push_back({type_ptr, options.ttl, {}, std::move(target)});
        } else {
            if (!answered_here(q.type)) return false;
            const Lookup found = registry.find(s.spec.client, q.name);
            if (!found.known) return false;
            for (const IpAddress& a : found.addresses)
                if (q.type == (a.is_v6() ? type_aaaa : type_a)) records.push_back({q.type, options.ttl, a, {}});
            std::shuffle(records.begin(), records.end(), shuffle_source);
        }
        ++stats.local;
        write_answer(out, packet, q, rcode_ok, true, records, limit);
        return true;
    }

    // A name that exists does not fail because nobody knows its TXT record: that one is just not there.
    void write_failure(const Served& s, std::string& out, std::string_view packet, const Query& q, Rcode rcode,
                       std::size_t limit) {
        if (rcode == rcode_failure && is_host_question(q) && q.type != type_ptr &&
            registry.find(s.spec.client, q.name).known)
            return write_answer(out, packet, q, rcode_ok, true, {}, limit);
        write_answer(out, packet, q, rcode, false, {}, limit);
    }

    // The upstream's answer for this client: its id, its spelling of the name, its size.
    void translate(const Served& s, std::string& out, std::string_view packet, const Query& q, std::string_view answer,
                   std::size_t limit) {
        if (answer.size() < q.question_end) return write_failure(s, out, packet, q, rcode_failure, limit);
        if (answer.size() > limit) {
            write_answer(out, packet, q, rcode_ok, true, {}, limit);
            out[2] = static_cast<char>(out[2] | 0x02); // TC: ask again over TCP
            return;
        }
        out.assign(answer);
        std::memcpy(out.data(), packet.data(), 2);
        std::memcpy(out.data() + header_size, packet.data() + header_size, q.question_end - header_size);
    }

    // Writes an answer into out, or gives false when it will come later (through `later`) or never.
    template <typename Later>
    bool handle(Served& s, std::string_view packet, bool tcp, std::string& out, Later later) {
        ++stats.queries;
        Query q;
        switch (parse_query(packet, q)) {
        case ParseResult::ok: break;
        case ParseResult::ignore: ++stats.malformed; return false;
        case ParseResult::format_error:
            ++stats.malformed;
            write_error(out, packet, rcode_format, false);
            return true;
        case ParseResult::not_implemented: write_error(out, packet, rcode_not_implemented, false); return true;
        }
        const std::size_t limit = tcp ? tcp_limit : std::min<std::size_t>(q.udp_size, max_udp);
        if (answer_here(s, packet, q, limit, out)) return true;
        if (s.route->servers.empty()) {
            write_failure(s, out, packet, q, rcode_failure, limit);
            return true;
        }
        if (s.inflight >= options.max_inflight_per_client ||
            (*inflight >= options.max_inflight && s.inflight >= share())) {
            ++stats.refused;
            write_failure(s, out, packet, q, rcode_refused, limit);
            return true;
        }
        forward(s, packet, q, tcp, limit, std::move(later));
        return false;
    }

    template <typename Later>
    void forward(Served& s, std::string_view packet, const Query& q, bool tcp, std::size_t limit, Later later) {
        ++s.inflight;
        forwarder.ask(s.route, packet, q, tcp,
                      [this, counted = std::make_shared<Counted>(inflight), id = s.spec.client.container_id,
                       serial = s.serial, question = std::string(packet), q, limit,
                       later = std::move(later)](std::string_view answer) {
                          Served* client = find(id, serial);
                          if (!client) return;
                          --client->inflight;
                          std::string out;
                          if (answer.empty()) write_failure(*client, out, question, q, rcode_failure, limit);
                          else translate(*client, out, question, q, answer, limit);
                          later(*client, out);
                      });
    }

    void on_udp(Served& s) {
        const int socket = s.sockets.udp.get();
        for (unsigned turn = 0; turn < batches_per_turn; ++turn) {
            const int n = io.receive(socket);
            if (n <= 0) return;
            unsigned answers = 0;
            const std::uint64_t forwarded = stats.forwarded;
            for (unsigned i = 0; i < static_cast<unsigned>(n); ++i) {
                const sockaddr_in peer = io.peers[i];
                const auto later = [peer](Served& client, const std::string& out) {
                    ::sendto(client.sockets.udp.get(), out.data(), out.size(), MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
                };
                if (io.messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
                    ++stats.malformed;
                    continue;
                }
                if (handle(s, io.packet(i), false, io.texts[answers], later)) {
                    io.add_answer(answers, i);
                    ++answers;
                }
            }
            io.send(socket, answers);
            // A question to an upstream costs as much as ten that are answered here.
            if (static_cast<unsigned>(n) < batch || stats.forwarded != forwarded) return;
        }
    }

    void on_tcp(Served& s, UniqueFd fd) {
        if (s.connections.size() >= options.max_tcp_per_client)
            s.connections.erase(s.connections.begin()); // the oldest
        const std::string id = s.spec.client.container_id;
        const std::uint64_t serial = s.serial;
        s.connections.push_back(std::make_unique<TcpConnection>(
            loop, std::move(fd), options.tcp_idle,
            [this, id, serial](TcpConnection& c, std::string_view packet) { on_tcp_query(id, serial, c, packet); },
            [this, id, serial](TcpConnection& c) { drop(id, serial, c); }));
    }

    void on_tcp_query(const std::string& id, std::uint64_t serial, TcpConnection& c, std::string_view packet) {
        Served* s = find(id, serial);
        if (!s) return;
        const auto later = [number = c.number()](Served& client, const std::string& out) {
            for (const auto& connection : client.connections)
                if (connection->number() == number) return connection->answer(out);
        };
        std::string out;
        if (handle(*s, packet, true, out, later)) c.answer(out);
    }

    // Not at once: the connection is on the stack.
    void drop(const std::string& id, std::uint64_t serial, TcpConnection& c) {
        loop.post([this, alive = std::weak_ptr(life), id, serial, number = c.number()] {
            if (alive.expired()) return;
            if (Served* s = find(id, serial))
                std::erase_if(s->connections, [&](const auto& x) { return x->number() == number; });
        });
    }
    std::shared_ptr<int> life = std::make_shared<int>(0);
};

Server::Server(EventLoop& loop, Registry& registry, ServerOptions options)
    : impl_(std::make_unique<Impl>(loop, registry, options)) {}
Server::~Server() = default;

void Server::serve(ServeSpec spec, Sockets sockets, int netns_fd) {
    stop(spec.client.container_id);
    auto served = std::make_unique<Impl::Served>();
    Impl::Served* s = served.get();
    s->spec = std::move(spec);
    s->sockets = std::move(sockets);
    s->serial = impl_->next_serial++;
    impl_->set_route(*s, netns_fd);
    Impl* impl = impl_.get();
    s->udp = impl->loop.watch_fd(s->sockets.udp.get(), EPOLLIN, [impl, s](std::uint32_t) { impl->on_udp(*s); });
    s->tcp.start(impl->loop, s->sockets.tcp.get(), [impl, s](UniqueFd fd) { impl->on_tcp(*s, std::move(fd)); });
    impl->clients[s->spec.client.container_id] = std::move(served);
}

void Server::update(ServeSpec spec) {
    const auto it = impl_->clients.find(spec.client.container_id);
    if (it == impl_->clients.end())
        throw error(Errc::not_found, "container {} has no DNS server", spec.client.container_id);
    const UniqueFd netns = std::move(it->second->route->netns);
    it->second->spec = std::move(spec);
    impl_->set_route(*it->second, netns.get());
}

void Server::stop(const std::string& container_id) {
    const auto it = impl_->clients.find(container_id);
    if (it == impl_->clients.end()) return;
    if (it->second->route->netns) impl_->forwarder.cancel(it->second->route);
    impl_->clients.erase(it);
}

std::vector<int> Server::fds_of(const std::string& container_id) const {
    const auto it = impl_->clients.find(container_id);
    if (it == impl_->clients.end()) return {};
    return {it->second->sockets.udp.get(), it->second->sockets.tcp.get()};
}

ServerStats Server::stats() const { return impl_->stats; }

} // namespace davit::net::dns
