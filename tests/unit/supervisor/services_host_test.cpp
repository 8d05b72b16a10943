// Services of projects on a private host: what clients in namespaces reach, without shims or processes in them.
#include "../net/lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "net/netns.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/network/wiring.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <memory>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace davit;
using namespace davit::supervisor;

namespace {

const Roots roots{"/var/lib/davit", "/run/davit"};

struct Loop {
    EventLoop loop;
    void until(const char* what, const std::function<bool()>& holds) {
        INFO(what);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!holds()) {
            REQUIRE(std::chrono::steady_clock::now() < limit);
            loop.run_once(std::chrono::milliseconds(50));
        }
    }
};

// What a supervisor has of a project's networks.
struct Project {
    Loop& loop;
    std::string name;
    RecordStore store{roots};
    Helper helper{loop.loop};
    std::unique_ptr<net::dns::Registry> registry = std::make_unique<net::dns::Registry>();
    net::NetlinkSocket host{NETLINK_ROUTE};
    std::unique_ptr<Networks> networks;
    UniqueFd listening; // as a supervisor that lives
    struct Task {
        ContainerRecord record;
        ContainerStatus status;
        UniqueFd netns, tcp, tcp6, udp;
    };
    std::map<std::string, Task> tasks;

    Project(Loop& l, std::string project) : loop(l), name(std::move(project)) {
        sys::make_dirs(ProjectPaths(roots, name).run, 0700);
        sys::make_dirs(ProjectPaths(roots, name).state, 0700);
        start();
    }
    ~Project() {
        for (auto& [task, t] : tasks) {
            networks->leave(t.record.id);
            networks->release(t.record.id);
        }
        tasks.clear();
        loop.until("committed", [&] { return !helper.busy() && !networks->busy(); });
        helper.stop();
    }
    void start() {
        networks = std::make_unique<Networks>(loop.loop, store, name, helper, *registry);
        networks->load();
        for (auto& [task, t] : tasks) networks->adopt(t.record, t.status);
        networks->adopted();
        for (auto& [task, t] : tasks) networks->join(t.record.id, t.netns.get(), true);
        ::unlink(ProjectPaths(roots, name).supervisor_socket().c_str());
        listening = sys::listen_unix(ProjectPaths(roots, name).supervisor_socket(), SOCK_STREAM);
    }
    // As by kill -9: nothing is given back, only what shims keep goes over.
    void restart() {
        std::map<std::string, std::vector<UniqueFd>> parked;
        for (auto& [task, t] : tasks)
            for (const int fd : networks->sockets_of(t.record.id))
                parked[t.record.id].push_back(UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)));
        networks.reset();
        registry = std::make_unique<net::dns::Registry>();
        helper.stop();
        start();
        for (auto& [id, sockets] : parked) networks->keep_sockets(id, std::move(sockets));
    }
    void network(const std::string& network, bool v6 = false, const std::string& subnet = {}) {
        NetworkRecord n;
        n.name = network;
        n.project = name;
        n.enable_ipv6 = v6;
        if (!subnet.empty()) n.ipam.emplace_back().subnet = subnet;
        store.stage(name, n);
        bool done = false;
        networks->create(network, [&](const Error* e) {
            CHECK_MESSAGE(!e, (e ? e->what() : ""));
            done = true;
        });
        loop.until("the network is made", [&] { return done; });
    }
    Task& task(const std::string& task_name, const std::vector<std::string>& on) {
        Task& t = tasks[task_name];
        t.record.id = sys::random_hex(64);
        t.record.name = t.record.service = task_name;
        t.record.project = name;
        t.record.network_mode = "bridge";
        for (const auto& n : on) {
            t.record.endpoints.emplace_back();
            t.record.endpoints.back().network = n;
        }
        bool done = false;
        networks->connect(t.record, [&](const Error* e, const NetworkLease* lease) {
            REQUIRE_MESSAGE(!e, (e ? e->what() : ""));
            const Wiring w = wire(t.record, lease->attachments, networks->group(), networks->host_resolv());
            t.netns = net::create_netns();
            net::attach(host, t.netns.get(), w.plan);
            t.status.endpoints = w.endpoints;
            networks->join(t.record.id, t.netns.get(), false);
            networks->publish(t.record, true);
            done = true;
        });
        loop.until("the container has its addresses", [&] { return done; });
        t.tcp = net::lab::tcp_listen(t.netns.get(), "0.0.0.0", 80);
        t.tcp6 = net::lab::tcp_listen(t.netns.get(), "::", 80);
        t.udp = net::lab::udp_bind(t.netns.get(), "0.0.0.0", 80);
        return t;
    }
    void end(const std::string& task_name) {
        networks->leave(tasks[task_name].record.id);
        networks->release(tasks[task_name].record.id);
        tasks.erase(task_name);
    }
    struct Answer {
        std::optional<Error> error;
        ServiceGiven given;
    };
    Answer set(const std::string& owner, ServiceEndpoint endpoint) {
        std::optional<Answer> answer;
        networks->services().set(owner, std::move(endpoint), [&](const Error* e, const ServiceGiven* g) {
            answer.emplace();
            if (e) answer->error = *e;
            if (g) answer->given = *g;
        });
        loop.until("the service is made", [&] { return answer.has_value(); });
        return *answer;
    }
    void remove(const std::string& owner) {
        bool done = false;
        networks->services().remove(owner, [&](const Error*) { done = true; });
        loop.until("the service is removed", [&] { return done; });
    }
    // Ready, and every table has it.
    void ready(const std::string& owner, const std::string& task_name) {
        networks->services().ready(owner, tasks[task_name].record.id, true);
        settle();
    }
    void drain(const std::string& task_name) {
        bool done = false;
        networks->services().drain(tasks[task_name].record.id, [&](const Error*) { done = true; });
        loop.until("the container is drained", [&] { return done; });
    }
    void settle() {
        bool turn = false, done = false;
        loop.loop.post([&] { turn = true; });
        loop.until("a turn", [&] { return turn; });
        networks->when_committed([&](const Error*) { done = true; });
        loop.until("committed", [&] { return done; });
    }
    std::vector<std::string> find(const std::string& client, const std::string& what) {
        net::dns::Client c;
        c.container_id = client;
        for (const auto& e : tasks[client].record.endpoints) c.networks.push_back(e.network);
        std::vector<std::string> out;
        for (const auto& a : registry->find(c, what).addresses) out.push_back(a.to_string());
        std::sort(out.begin(), out.end());
        return out;
    }
    std::string address(const std::string& task_name, std::size_t endpoint = 0) {
        return tasks[task_name].status.endpoints[endpoint].ipv4;
    }
};

std::string plain(const std::string& with_prefix) { return with_prefix.substr(0, with_prefix.find('/')); }

// Which of the servers answered so many connections, sorted; or the error.
std::string spread(int from, const std::string& address, std::uint16_t port, const std::vector<int>& servers,
                   int count) {
    std::vector<int> seen(servers.size());
    for (int i = 0; i < count; ++i) {
        const auto r = net::lab::tcp_any(from, address, port, servers);
        if (r.server < 0) return r.error;
        ++seen[static_cast<std::size_t>(r.server)];
    }
    std::string out;
    for (const int n : seen) out += (out.empty() ? "" : " ") + std::to_string(n);
    return out;
}

struct Machine {
    Machine() {
        if (::geteuid() != 0 || !std::getenv("DAVIT_PRIVATE_HOST")) {
            MESSAGE("needs root and a private host");
            std::_Exit(77);
        }
        ::setenv("DAVIT_LIBEXEC", DAVIT_BINARIES, 1);
        make_roots(roots);
    }
};

ServiceEndpoint web(const std::string& network, std::vector<ServicePort> ports = {}) {
    ServiceEndpoint e;
    e.name = "x_web";
    e.networks = {{network, {"web"}}};
    e.ports = std::move(ports);
    return e;
}

} // namespace

TEST_CASE(
    "a service answers at one address and one port for all its ready containers, and is adopted by a new supervisor") {
    const Machine machine;
    Loop loop;
    Project p(loop, "balanced");
    p.network("balanced_default");
    const auto made =
        p.set("service/1", web("balanced_default", {{80, 0, "tcp", "ingress"}, {81, 8181, "tcp", "host"}}));
    REQUIRE(!made.error);
    REQUIRE(made.given.addresses.size() == 1);
    CHECK(made.given.ports == std::vector<ServicePort>{{80, 30000, "tcp", "ingress"}, {81, 8181, "tcp", "host"}});
    const std::string vip = plain(made.given.addresses[0].ipv4);
    p.task("client", {"balanced_default"});
    for (const char* t : {"a", "b", "c"}) p.task(t, {"balanced_default"});
    const std::vector<int> servers{p.tasks["a"].tcp.get(), p.tasks["b"].tcp.get(), p.tasks["c"].tcp.get()};
    const int client = p.tasks["client"].netns.get();
    // nobody yet
    CHECK(p.find("client", "web") == std::vector<std::string>{vip});
    CHECK(p.find("client", "tasks.web").empty());
    CHECK(spread(client, vip, 80, servers, 1) == "refused");
    for (const char* host : {"127.0.0.1", "::1"}) CHECK(spread(-1, host, 30000, servers, 1) == "refused");

    for (const char* t : {"a", "b", "c"}) p.ready("service/1", t);
    CHECK(p.find("client", "x_web") == std::vector<std::string>{vip});
    CHECK(p.find("client", "tasks.x_web") == std::vector<std::string>{p.address("a"), p.address("b"), p.address("c")});
    CHECK(spread(client, vip, 80, servers, 9) == "3 3 3");
    CHECK(spread(-1, vip, 80, servers, 9) == "3 3 3");
    CHECK(spread(-1, "127.0.0.1", 30000, servers, 9) == "3 3 3");
    // [::1] goes by way of the proxy, which this loop has to start with the first connection
    {
        const UniqueFd first(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in6 to{AF_INET6, htons(30000), 0, IN6ADDR_LOOPBACK_INIT, 0};
        ::connect(first.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
        UniqueFd accepted;
        loop.until("the proxy passes it on", [&] {
            for (const int s : servers)
                if (!accepted) accepted.reset(::accept4(s, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            return static_cast<bool>(accepted);
        });
    }
    CHECK(spread(-1, "::1", 30000, servers, 9) == "3 3 3");

    const auto held = net::lab::tcp_any(client, vip, 80, servers);
    const auto held_port = net::lab::tcp_any(-1, "127.0.0.1", 30000, servers);
    p.restart();
    CHECK(net::lab::echoes(held));
    CHECK(net::lab::echoes(held_port));
    p.settle();
    CHECK(net::lab::echoes(held));
    CHECK(spread(client, vip, 80, servers, 9) == "3 3 3");
    CHECK(spread(-1, "127.0.0.1", 30000, servers, 9) == "3 3 3");
    CHECK(spread(-1, "::1", 30000, servers, 9) == "3 3 3");
    CHECK(p.find("client", "tasks.web").size() == 3);
    // asked for again, it has what it had
    const auto again = p.set("service/1", web("balanced_default", {{80, 0, "tcp", "ingress"}}));
    REQUIRE(!again.error);
    CHECK(again.given.ports == std::vector<ServicePort>{{80, 30000, "tcp", "ingress"}});
    CHECK(plain(again.given.addresses.at(0).ipv4) == vip);
    CHECK(spread(client, vip, 80, servers, 9) == "3 3 3");

    // A datagram's flow stays with b until b takes no more.
    const std::vector<int> datagrams{p.tasks["a"].udp.get(), p.tasks["b"].udp.get(), p.tasks["c"].udp.get()};
    std::uint16_t port = 45000;
    while (net::lab::udp_any(client, vip, 80, datagrams, ++port).server != 1) REQUIRE(port < 45010);
    CHECK(net::lab::udp_any(client, vip, 80, datagrams, port).server == 1);
    p.drain("b");
    loop.until("the flow goes elsewhere",
               [&] { return net::lab::udp_any(client, vip, 80, datagrams, port).server != 1; });
    CHECK(spread(client, vip, 80, servers, 6) == "3 0 3");
    CHECK(spread(-1, "127.0.0.1", 30000, servers, 6) == "3 0 3");
    CHECK(p.find("client", "tasks.web").size() == 2);
    p.end("a"); // goes by itself
    p.settle();
    CHECK(spread(client, vip, 80, servers, 2) == "0 0 2");
    p.remove("service/1");
    CHECK(p.find("client", "web").empty());
    CHECK(spread(-1, "127.0.0.1", 30000, servers, 1) == "refused");
    CHECK(net::in_netns(client, [] {
              return net::lab::output_of({"nft", "list", "ruleset"});
          }).find("davit-services") == std::string::npos);
}

TEST_CASE("a service with dnsrr has names of its containers alone; a port that is taken fails as a whole") {
    const Machine machine;
    Loop loop;
    Project p(loop, "roundrobin");
    p.network("rr_default", true);
    ServiceEndpoint rr = web("rr_default");
    rr.dnsrr = true;
    const auto made = p.set("rr", rr);
    REQUIRE(!made.error);
    CHECK(made.given.addresses.empty());
    p.task("client", {"rr_default"});
    p.task("a", {"rr_default"});
    p.task("b", {"rr_default"});
    p.ready("rr", "a");
    p.ready("rr", "b");
    CHECK(p.find("client", "web").size() == 4); // of both families
    CHECK(p.find("client", "web") == p.find("client", "tasks.x_web"));

    REQUIRE(!p.set("one", web("rr_default", {{80, 31000, "tcp", "ingress"}})).error);
    ServiceEndpoint other = web("rr_default", {{80, 31001, "tcp", "ingress"}, {81, 31000, "tcp", "ingress"}});
    const auto refused = p.set("two", other);
    REQUIRE(refused.error);
    CHECK(refused.error->kind() == Errc::conflict);
    CHECK(std::string(refused.error->what()).find("service x_web") != std::string::npos);
    CHECK_FALSE(p.networks->services().has("two"));
    other.ports.pop_back();
    CHECK(!p.set("two", other).error); // 31001 was given back
    CHECK(p.set("three", web("nowhere")).error->kind() == Errc::not_found);
    for (const char* owner : {"rr", "one", "two"}) p.remove(owner);
}

TEST_CASE("clients of another project on the network follow, and a drain waits until they do") {
    const Machine machine;
    Loop loop;
    Project p(loop, "serves"), q(loop, "uses");
    p.network("shared", true);
    p.network("serves_own");
    q.network("uses_own");
    auto endpoint = web("shared");
    endpoint.networks.push_back({"serves_own", {}});
    const auto made = p.set("s", endpoint);
    REQUIRE(!made.error);
    REQUIRE(made.given.addresses.size() == 2);
    const std::string vip = plain(made.given.addresses[0].ipv4), vip6 = plain(made.given.addresses[0].ipv6),
                      own = plain(made.given.addresses[1].ipv4);
    p.task("a", {"shared", "serves_own"});
    p.task("b", {"shared", "serves_own"});
    p.ready("s", "a");
    p.ready("s", "b");
    q.task("client", {"uses_own", "shared"});
    p.task("insider", {"serves_own"});
    const std::vector<int> servers{p.tasks["a"].tcp.get(), p.tasks["b"].tcp.get()};
    const std::vector<int> servers6{p.tasks["a"].tcp6.get(), p.tasks["b"].tcp6.get()};
    const int client = q.tasks["client"].netns.get();
    CHECK(spread(client, vip, 80, servers, 4) == "2 2");
    CHECK(spread(client, vip6, 80, servers6, 4) == "2 2");
    CHECK(q.find("client", "web").size() == 2);
    CHECK(spread(p.tasks["insider"].netns.get(), own, 80, servers, 4) == "2 2");
    CHECK(spread(p.tasks["a"].netns.get(), vip, 80, servers, 4) == "2 2"); // itself included
    CHECK(spread(client, own, 80, servers, 1) == "timeout");               // not its network
    CHECK(q.find("client", "x_web.serves_own").empty());
    // Another's service that leaves the network: it is not the other project's any more.
    REQUIRE(!q.set("s", web("shared")).error);
    CHECK(q.find("client", "web").size() == 4); // two services of one name, of two projects
    REQUIRE(!q.set("s", web("uses_own")).error);
    CHECK(spread(client, vip, 80, servers, 2) == "1 1");
    q.remove("s");
    p.drain("a");
    CHECK(spread(client, vip, 80, servers, 4) == "0 4"); // it has it: nothing is waited for
    p.drain("b");
    CHECK(spread(client, vip, 80, servers, 1) == "refused");
    CHECK(spread(client, vip6, 80, servers6, 1) == "refused");
    // The other supervisor is dead: passed over.
    p.ready("s", "a");
    q.listening.reset();
    const auto begin = std::chrono::steady_clock::now();
    p.drain("a");
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(700));
    p.remove("s");
}

namespace {

// What the namespace's connection tracking has of the address.
bool has_flow(int netns, const std::string& address) {
    const std::string all = net::in_netns(netns, [] { return net::lab::output_of({"conntrack", "-L"}); });
    return all.find("src=" + address + " ") != std::string::npos ||
           all.find("dst=" + address + " ") != std::string::npos;
}

} // namespace

TEST_CASE("the address of one that served is nobody's until no client has a flow to it") {
    const Machine machine;
    Loop loop;
    Project p(loop, "leaves"), q(loop, "stays");
    p.network("tiny", false, "10.77.0.0/29"); // .2 to .6
    const auto made = p.set("s", web("tiny"));
    REQUIRE(!made.error);
    const std::string vip = plain(made.given.addresses[0].ipv4);
    for (const char* t : {"a", "b"}) {
        p.task(t, {"tiny"});
        p.ready("s", t);
    }
    q.task("client", {"tiny"});
    p.task("other", {"tiny"});
    const std::string address = p.address("a");
    const std::vector<int> servers{p.tasks["a"].tcp.get(), p.tasks["b"].tcp.get()};
    const std::vector<int> datagrams{p.tasks["a"].udp.get(), p.tasks["b"].udp.get()};
    const int client = q.tasks["client"].netns.get();
    net::lab::Reached held;
    // Its own supervisor has to hear of them; then they take turns.
    loop.until("the first one answers the client", [&] {
        held = net::lab::tcp_any(client, vip, 80, servers);
        return held.server == 0;
    });
    REQUIRE(held.server == 0);
    for (int i = 0; i < 2; ++i) net::lab::udp_any(client, vip, 80, datagrams);
    p.drain("a");
    CHECK(net::lab::echoes(held)); // until the end
    REQUIRE(has_flow(client, address));
    p.end("a");
    REQUIRE(has_flow(client, address)); // nothing has happened yet
    SUBCASE("of its own project") {
        p.task("next", {"tiny"}); // waits: no other is free
        CHECK(p.address("next") == address);
    }
    SUBCASE("of another project") {
        q.task("next", {"tiny"});
        CHECK(q.address("next") == address);
    }
    SUBCASE("not waiting for a supervisor that does nothing any more") {
        q.networks.reset();
        q.listening.reset();
        p.task("next", {"tiny"});
        CHECK(p.address("next") == address);
        q.start();
        return;
    }
    SUBCASE("the service's own address") {
        p.remove("s");
        ServiceEndpoint second = web("tiny");
        second.name = "x_second";
        p.task("next", {"tiny"}); // one of the two
        CHECK_FALSE(has_flow(client, vip));
    }
    CHECK_FALSE(has_flow(client, address));
}
