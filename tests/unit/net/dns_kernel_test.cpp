#include "lab.hpp"

#include "base/process.hpp"
#include "dns_packets.hpp"
#include "net/dns/message.hpp"
#include "net/dns/server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

using namespace davit;
using namespace davit::net;
using namespace davit::net::dns;

namespace {

using Clock = std::chrono::steady_clock;

// An upstream: knows up.test, counts questions, may be mute or refuse.
struct Stub {
    UniqueFd socket;
    int asked = 0;
    bool mute = false;
    Rcode fail = rcode_ok;
    EventLoop::Watch watch;

    Stub(EventLoop& loop, int netns, const std::string& address) : socket(lab::udp_bind(netns, address, 53)) {
        watch = loop.watch_fd(socket.get(), EPOLLIN, [this](std::uint32_t) { answer(); });
    }
    void answer() {
        char buffer[2048];
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        const ssize_t n = ::recvfrom(socket.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
        if (n < 0) return;
        ++asked;
        if (mute) return;
        const std::string_view packet(buffer, static_cast<std::size_t>(n));
        Query q;
        REQUIRE(parse_query(packet, q) == ParseResult::ok);
        std::vector<Record> records;
        if (q.name == "up.test" && q.type == type_a)
            records.push_back({type_a, 60, IpAddress::parse("10.123.250.1"), {}});
        std::string out;
        write_answer(out, packet, q,
                     fail != rcode_ok      ? fail
                     : q.name == "up.test" ? rcode_ok
                                           : rcode_no_name,
                     true, records, 512);
        ::sendto(socket.get(), out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
    }
};

ServerOptions quick() {
    ServerOptions o;
    o.upstream_timeout = std::chrono::milliseconds(50);
    o.total_timeout = std::chrono::milliseconds(200);
    o.tcp_idle = std::chrono::milliseconds(100);
    return o;
}

struct Network {
    EventLoop loop;
    Registry registry;
    Server server{loop, registry, quick()};
    UniqueFd cli = create_netns();

    Network() {
        registry.publish({"w1", "p-web-1", "net", {IpAddress::parse("10.0.0.11")}, {"p-web-1", "web"}});
        registry.publish({"w2",
                          "p-web-2",
                          "net",
                          {IpAddress::parse("10.0.0.12"), IpAddress::parse("fd00::12")},
                          {"p-web-2", "web"}});
    }
    void serve(std::vector<Upstream> upstreams, bool external = true) {
        server.serve({{"cli", {"net"}, {}}, std::move(upstreams), external}, open_sockets(cli.get()), cli.get());
    }
    // Runs the loop until fn is true.
    template <typename Fn>
    bool wait(Fn fn, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        for (const auto end = Clock::now() + limit; !fn();) {
            if (Clock::now() > end) return false;
            loop.run_once(std::chrono::milliseconds(20));
        }
        return true;
    }
    UniqueFd ask(const std::string& packet, const std::string& server_address = "127.0.0.11") {
        UniqueFd s = in_netns(cli.get(),
                              [] { return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); });
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(53);
        ::inet_pton(AF_INET, server_address.c_str(), &to.sin_addr);
        REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        REQUIRE(::send(s.get(), packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
        return s;
    }
    std::string answer(int socket) {
        std::string out(65536, '\0');
        ssize_t n = -1;
        wait([&] { return (n = ::recv(socket, out.data(), out.size(), 0)) >= 0; });
        REQUIRE(n >= 0);
        out.resize(static_cast<std::size_t>(n));
        return out;
    }
    // "rcode addresses…", as a resolver sees it
    std::string query(std::string_view name, std::uint16_t type = type_a) {
        const std::string packet = make_query(4711, name, type, true);
        const UniqueFd s = ask(packet);
        return describe(answer(s.get()), packet);
    }
    static std::string describe(const std::string& out, const std::string& packet) {
        const auto info = inspect_answer(out, packet);
        REQUIRE(info);
        std::vector<std::string> parts;
        for (const Record& r : parse_records(out))
            parts.push_back(r.type == type_ptr ? r.target : r.address.to_string());
        std::sort(parts.begin(), parts.end());
        std::string text = std::to_string(info->rcode);
        for (const auto& p : parts) text += ' ' + p;
        return text;
    }
};

Upstream host(std::string_view address) { return {IpAddress::parse(address), 53, false}; }
Upstream inside(std::string_view address) { return {IpAddress::parse(address), 53, true}; }

} // namespace

TEST_CASE("a real resolver inside a container is answered over UDP and TCP with bridge-nf 0 and 1") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        if (!get_sysctl("net/bridge/bridge-nf-call-iptables").empty())
            set_sysctl("net/bridge/bridge-nf-call-iptables", bridge_nf);
        Network n;
        n.serve({});
        for (const char* transport : {"+notcp", "+tcp"}) {
            CAPTURE(transport);
            // dig runs in the container's namespace while this process serves it
            SpawnOptions dig;
            dig.argv = {"dig", "+short", "+tries=1", "+timeout=3", transport, "@127.0.0.11", "web", "A"};
            const FdPair out = [] {
                int fds[2];
                REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
                return FdPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
            }();
            dig.fds = {{out.second.get(), 1}};
            Child child = in_netns(n.cli.get(), [&] { return Child::spawn(dig); });
            std::optional<ExitStatus> status;
            REQUIRE(n.wait([&] { return (status = child.try_wait()).has_value(); }));
            char text[256];
            const ssize_t size = ::read(out.first.get(), text, sizeof text);
            std::string lines(text, size > 0 ? static_cast<std::size_t>(size) : 0);
            CHECK((lines == "10.0.0.11\n10.0.0.12\n" || lines == "10.0.0.12\n10.0.0.11\n"));
        }
    }
}

TEST_CASE("known names are answered here, without an upstream in every type; unknown ones fail at once") {
    Network n;
    n.serve({});
    CHECK(n.query("web") == "0 10.0.0.11 10.0.0.12");
    CHECK(n.query("WEB.net") == "0 10.0.0.11 10.0.0.12");
    CHECK(n.query("p-web-2", type_aaaa) == "0 fd00::12");
    CHECK(n.query("p-web-1", type_aaaa) == "0");
    CHECK(n.query("web", type_mx) == "0");
    CHECK(n.query("web", type_https) == "0");
    CHECK(n.query("11.0.0.10.in-addr.arpa", type_ptr) == "0 p-web-1.net");
    const auto start = Clock::now();
    CHECK(n.query("nosuch") == "2");
    CHECK(Clock::now() - start < std::chrono::milliseconds(100));
}

TEST_CASE("answers come in changing order and with a short life") {
    Network n;
    n.serve({});
    bool first = false, second = false;
    for (int i = 0; i < 64 && !(first && second); ++i) {
        const std::string packet = make_query(1, "web", type_a);
        const UniqueFd s = n.ask(packet);
        const auto records = parse_records(n.answer(s.get()));
        REQUIRE(records.size() == 2);
        CHECK(records[0].ttl <= 5);
        (records[0].address.to_string() == "10.0.0.11" ? first : second) = true;
    }
    CHECK(first);
    CHECK(second);
}

TEST_CASE("port 53 stays free for the container's own server") {
    Network n;
    n.serve({});
    const UniqueFd own_udp = lab::udp_bind(n.cli.get(), "0.0.0.0", 53);
    const UniqueFd own_tcp = lab::tcp_listen(n.cli.get(), "0.0.0.0", 53);
    CHECK(n.query("web") == "0 10.0.0.11 10.0.0.12");
}

TEST_CASE("foreign names are asked from the host or from inside, and kept as long as they live") {
    Network n;
    for (const bool from_inside : {false, true}) {
        CAPTURE(from_inside);
        Stub stub(n.loop, from_inside ? n.cli.get() : -1, "127.0.0.9");
        n.serve({from_inside ? inside("127.0.0.9") : host("127.0.0.9")});
        CHECK(n.query("up.test") == "0 10.123.250.1");
        CHECK(n.query("UP.test") == "0 10.123.250.1");
        CHECK(stub.asked == 1);
        CHECK(n.query("nosuch.test") == "3");
        CHECK(n.query("nosuch") == "3");
        CHECK(n.query("p-web-1", type_aaaa) == "0"); // a known name never leaves the machine
        CHECK(stub.asked == 3);
        n.server.stop("cli");
    }
}

TEST_CASE("on internal networks the host's servers are not asked") {
    Network n;
    Stub stub(n.loop, -1, "127.0.0.9");
    n.serve({host("127.0.0.9")}, false);
    CHECK(n.query("up.test") == "2");
    CHECK(stub.asked == 0);
}

TEST_CASE("a dead, mute or refusing upstream is passed over quickly") {
    Network n;
    Stub good(n.loop, -1, "127.0.0.9");
    Stub bad(n.loop, -1, "127.0.0.8");
    SUBCASE("nobody listens") { n.serve({host("127.0.0.7"), host("127.0.0.9")}); }
    SUBCASE("no answer") {
        bad.mute = true;
        n.serve({host("127.0.0.8"), host("127.0.0.9")});
    }
    SUBCASE("SERVFAIL") {
        bad.fail = rcode_failure;
        n.serve({host("127.0.0.8"), host("127.0.0.9")});
    }
    SUBCASE("no route") { n.serve({host("203.0.113.1"), host("127.0.0.9")}); }
    CHECK(n.query("up.test") == "0 10.123.250.1");
    const int asked = bad.asked;
    CHECK(n.query("other.test") == "3"); // the one that answered is asked first now
    CHECK(bad.asked == asked);
}

TEST_CASE("when no upstream answers the client hears SERVFAIL in time") {
    Network n;
    Stub mute(n.loop, -1, "127.0.0.8");
    mute.mute = true;
    n.serve({host("127.0.0.8")});
    const auto start = Clock::now();
    CHECK(n.query("up.test") == "2");
    CHECK(Clock::now() - start < std::chrono::milliseconds(600));
    n.serve({inside("127.0.0.77")});
    CHECK(n.query("up.test") == "2");
}

TEST_CASE("equal questions in flight are asked once") {
    Network n;
    Stub stub(n.loop, -1, "127.0.0.9");
    n.serve({host("127.0.0.9")});
    const std::string packet = make_query(4711, "up.test", type_a, true);
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 20; ++i) sockets.push_back(n.ask(packet));
    for (const UniqueFd& s : sockets) CHECK(Network::describe(n.answer(s.get()), packet) == "0 10.123.250.1");
    CHECK(stub.asked == 1);
}

TEST_CASE("too many questions in flight are refused and the others answered") {
    Network n;
    Stub mute(n.loop, -1, "127.0.0.8");
    mute.mute = true;
    n.serve({host("127.0.0.8")});
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 300; ++i) sockets.push_back(n.ask(make_query(1, "x" + std::to_string(i) + ".test", type_a)));
    REQUIRE(n.wait([&] { return n.server.stats().refused == 44; })); // 256 wait
    CHECK(n.query("web") == "0 10.0.0.11 10.0.0.12");
}

TEST_CASE("questions asked while no server runs are answered by the next one") {
    Network n;
    Sockets sockets = open_sockets(n.cli.get());
    const UniqueFd udp(::dup(sockets.udp.get())), tcp(::dup(sockets.tcp.get()));
    n.server.serve({{"cli", {"net"}, {}}, {}, true}, std::move(sockets), n.cli.get());
    n.server.stop("cli");
    const std::string packet = make_query(1, "web", type_a, true);
    const UniqueFd s = n.ask(packet); // queued, not refused
    Sockets again = adopt_sockets(UniqueFd(::dup(udp.get())), UniqueFd(::dup(tcp.get())));
    CHECK(again.udp_port != 0);
    n.server.serve({{"cli", {"net"}, {}}, {}, true}, std::move(again), n.cli.get());
    CHECK(Network::describe(n.answer(s.get()), packet) == "0 10.0.0.11 10.0.0.12");
    CHECK(n.server.fds_of("cli").size() == 2);
    CHECK(n.server.fds_of("other").empty());
}

TEST_CASE("idle and broken TCP clients are dropped, pipelined questions answered") {
    Network n;
    n.serve({});
    const auto connect = [&] {
        UniqueFd s = in_netns(n.cli.get(), [] { return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); });
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(53);
        ::inet_pton(AF_INET, "127.0.0.11", &to.sin_addr);
        REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        ::fcntl(s.get(), F_SETFL, O_NONBLOCK);
        return s;
    };
    const auto closed = [&](int s) {
        char c;
        return n.wait([&] { return ::recv(s, &c, 1, 0) == 0; });
    };
    const UniqueFd idle = connect();
    CHECK(closed(idle.get()));
    const UniqueFd garbage = connect();
    REQUIRE(::send(garbage.get(), "\0\1x", 3, 0) == 3);
    CHECK(closed(garbage.get()));
    const UniqueFd two = connect();
    const std::string packet = make_query(1, "web", type_a);
    std::string framed{'\0', static_cast<char>(packet.size())};
    framed += packet;
    REQUIRE(::send(two.get(), (framed + framed).data(), 2 * framed.size(), 0) > 0);
    std::string in;
    CHECK(n.wait([&] {
        char b[512];
        const ssize_t got = ::recv(two.get(), b, sizeof b, 0);
        if (got > 0) in.append(b, static_cast<std::size_t>(got));
        return in.size() >= 2 * (2 + packet.size() + 32);
    }));
    std::vector<UniqueFd> many;
    for (int i = 0; i < 40; ++i) {
        many.push_back(connect());
        n.loop.run_once(std::chrono::milliseconds(5));
    }
    CHECK(n.query("web") == "0 10.0.0.11 10.0.0.12");
}

TEST_CASE("malformed questions get FORMERR or silence and never stop the server") {
    Network n;
    n.serve({});
    std::string two = make_query(1, "web", type_a);
    two[5] = 2;
    const UniqueFd s = n.ask(two);
    const std::string out = n.answer(s.get());
    CHECK((out[3] & 0x0f) == rcode_format);
    const UniqueFd tiny = n.ask("x");
    CHECK(n.query("web") == "0 10.0.0.11 10.0.0.12");
    CHECK(n.server.stats().malformed >= 2);
}

namespace {

// A neighbour that asks one question while the others flood.
struct Neighbour {
    UniqueFd ns = create_netns(), socket;
    Network& n;
    std::string packet = make_query(77, "web", type_a, true);

    explicit Neighbour(Network& network) : n(network) {
        n.server.serve({{"neighbour", {"net"}, {}}, {host("127.0.0.8")}, true}, open_sockets(ns.get()), ns.get());
    }
    void ask() {
        socket = in_netns(ns.get(),
                          [] { return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); });
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(53);
        ::inet_pton(AF_INET, "127.0.0.11", &to.sin_addr);
        REQUIRE(::sendto(socket.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) >
                0);
    }
    bool answered() {
        char b[512];
        return ::recv(socket.get(), b, sizeof b, 0) > 0;
    }
};

} // namespace

TEST_CASE("a flood of questions gets a share of each turn, and a neighbour its answer in the next one") {
    Network n;
    Stub mute(n.loop, -1, "127.0.0.8");
    mute.mute = true;
    n.serve({host("127.0.0.8")});
    Neighbour neighbour(n);
    const auto turn = [&] {
        const auto before = n.server.stats().queries;
        n.loop.run_once(std::chrono::milliseconds(100));
        return n.server.stats().queries - before;
    };
    std::vector<UniqueFd> flood;
    SUBCASE("over UDP, for names that are known here") {
        for (int i = 0; i < 500; ++i) flood.push_back(n.ask(make_query(1, "web", type_a)));
        neighbour.ask();
        CHECK(turn() <= 129);
        CHECK(neighbour.answered());
    }
    SUBCASE("over UDP, for names that an upstream has to be asked for") {
        for (int i = 0; i < 200; ++i) flood.push_back(n.ask(make_query(1, "x" + std::to_string(i) + ".test", type_a)));
        neighbour.ask();
        CHECK(turn() <= 33);
        CHECK(neighbour.answered());
    }
    SUBCASE("over TCP, with hundreds of questions in one packet") {
        const std::string packet = make_query(1, "web", type_a);
        std::string framed{'\0', static_cast<char>(packet.size())};
        framed += packet;
        std::string many;
        while (many.size() < 4000) many += framed;
        for (int i = 0; i < 16; ++i) {
            flood.push_back(
                in_netns(n.cli.get(), [] { return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }));
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(53);
            ::inet_pton(AF_INET, "127.0.0.11", &to.sin_addr);
            REQUIRE(::connect(flood.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        }
        turn(); // they are accepted
        for (const auto& s : flood) REQUIRE(::send(s.get(), many.data(), many.size(), 0) > 0);
        neighbour.ask();
        CHECK(turn() <= 16 * 8 + 1);
        CHECK(neighbour.answered());
        // All are answered in the end.
        const std::size_t all = 16 * (many.size() / framed.size()) + 1;
        CHECK(n.wait([&] { return n.server.stats().queries == all; }));
    }
}

TEST_CASE("questions that wait for upstreams are bounded for all together, and each container has its share") {
    Network n;
    Stub mute(n.loop, -1, "127.0.0.8");
    mute.mute = true;
    ServerOptions few = quick();
    few.total_timeout = std::chrono::seconds(30);
    few.max_inflight = 64;
    Server server(n.loop, n.registry, few);
    std::vector<UniqueFd> spaces, asked;
    int number = 0;
    const auto ask = [&](int netns, int count) {
        for (int i = 0; i < count; ++i) {
            asked.push_back(in_netns(
                netns, [] { return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }));
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(53);
            ::inet_pton(AF_INET, "127.0.0.11", &to.sin_addr);
            const std::string packet = make_query(1, "y" + std::to_string(number++) + ".test", type_a);
            REQUIRE(::sendto(asked.back().get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                             sizeof to) > 0);
        }
    };
    for (const char* id : {"loud", "louder", "quiet"}) {
        spaces.push_back(create_netns());
        server.serve({{id, {"net"}, {}}, {host("127.0.0.8")}, true}, open_sockets(spaces.back().get()),
                     spaces.back().get());
    }
    ask(spaces[0].get(), 100);
    ask(spaces[1].get(), 100);
    REQUIRE(n.wait([&] { return server.stats().queries == 200; }));
    const auto waiting = server.stats().forwarded;
    CHECK(waiting <= 64 + 21);
    ask(spaces[2].get(), 10);
    REQUIRE(n.wait([&] { return server.stats().queries == 210; }));
    CHECK(server.stats().forwarded == waiting + 10); // its share is free
    server.stop("loud");
    server.stop("louder");
    server.stop("quiet");
}
