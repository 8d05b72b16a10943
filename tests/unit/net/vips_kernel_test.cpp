// Virtual addresses in the namespaces of their clients, on the real kernel.
#include "lab.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/firewall.hpp"
#include "net/ports.hpp"
#include "net/vips.hpp"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <map>

using namespace davit;
using namespace davit::net;

namespace {

constexpr std::uint32_t group = 0x40000001;
const char* vip4 = "172.30.1.100";
const char* vip6 = "fd00:1::100";

struct Backend {
    UniqueFd netns, tcp, udp, tcp6, udp6;
    IpAddress v4, v6;
};

// One bridge with three servers and a client; a namespace behind the client, as in docker-in-docker.
struct Service {
    NetlinkSocket host{NETLINK_ROUTE};
    Backend backends[3];
    UniqueFd client, nested;
    VipTable table;

    explicit Service(const char* bridge_nf) {
        for (const char* key : {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"})
            if (!get_sysctl(key).empty()) set_sysctl(key, bridge_nf);
        BridgeSpec b;
        b.name = "dv-v";
        b.owner = "test/v";
        b.group = group;
        b.ipv6 = true;
        b.addresses = {InterfaceAddress::parse("172.30.1.1/24"), InterfaceAddress::parse("fd00:1::1/64")};
        create_bridge(host, b);
        for (int i = 0; i < 3; ++i) {
            Backend& s = backends[i];
            s.v4 = IpAddress::parse("172.30.1.1" + std::to_string(i + 1));
            s.v6 = IpAddress::parse("fd00:1::1" + std::to_string(i + 1));
            s.netns = join(s.v4, s.v6);
            s.tcp = lab::tcp_listen(s.netns.get(), "0.0.0.0", 8080);
            s.udp = lab::udp_bind(s.netns.get(), "0.0.0.0", 8080);
            s.tcp6 = lab::tcp_listen(s.netns.get(), "::", 8080);
            s.udp6 = lab::udp_bind(s.netns.get(), "::", 8080);
        }
        client = join(IpAddress::parse("172.30.1.50"), IpAddress::parse("fd00:1::50"));
        set({0, 1, 2});
        apply(client.get());
    }
    ~Service() { delete_group(host, group); }

    UniqueFd join(const IpAddress& v4, const IpAddress& v6) {
        return lab::container(host, "dv-v", {{v4, 24}, {v6, 64}}, IpAddress::parse("172.30.1.1"));
    }
    void set(const std::vector<int>& targets) {
        table[IpAddress::parse(vip4)].clear();
        table[IpAddress::parse(vip6)].clear();
        for (const int i : targets) {
            table[IpAddress::parse(vip4)].push_back(backends[i].v4);
            table[IpAddress::parse(vip6)].push_back(backends[i].v6);
        }
    }
    void apply(int netns) {
        NetlinkSocket s(NETLINK_NETFILTER, netns);
        write_vips(s, table);
    }
    void change(const std::vector<int>& targets) {
        const VipTable before = table;
        set(targets);
        NetlinkSocket s(NETLINK_NETFILTER, client.get());
        render_vip_change(before, table).commit(s);
    }
    std::vector<int> sockets(UniqueFd Backend::*which) const {
        std::vector<int> fds;
        for (const Backend& b : backends) fds.push_back((b.*which).get());
        return fds;
    }
    // Connections in a row: how many each server got, from which addresses.
    struct Spread {
        std::map<int, int> servers;
        std::set<std::string> sources;
    };
    Spread tcp(int from, const char* address, int count, std::uint16_t port = 8080) const {
        Spread out;
        for (int i = 0; i < count; ++i) {
            const bool v6 = IpAddress::parse(address).is_v6();
            const auto r = lab::tcp_any(from, address, port, sockets(v6 ? &Backend::tcp6 : &Backend::tcp));
            CAPTURE(r.error);
            REQUIRE(r.server >= 0);
            ++out.servers[r.server];
            out.sources.insert(r.source);
        }
        return out;
    }
    Spread udp(int from, const char* address, int count, std::uint16_t port = 8080) const {
        static std::uint16_t source_port = 20000;
        Spread out;
        for (int i = 0; i < count; ++i) {
            const bool v6 = IpAddress::parse(address).is_v6();
            // A port of its own: one that is used twice goes the way of its first time.
            const auto r =
                lab::udp_any(from, address, port, sockets(v6 ? &Backend::udp6 : &Backend::udp), ++source_port);
            CAPTURE(r.error);
            REQUIRE(r.server >= 0);
            ++out.servers[r.server];
            out.sources.insert(r.source);
        }
        return out;
    }
};

using Counts = std::map<int, int>;

} // namespace

TEST_CASE("a virtual address spreads connections exactly, and the servers see the client's address") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Service s(bridge_nf);
        for (const char* vip : {vip4, vip6}) {
            CAPTURE(vip);
            const std::string own = IpAddress::parse(vip).is_v6() ? "fd00:1::50" : "172.30.1.50";
            const auto tcp = s.tcp(s.client.get(), vip, 30);
            CHECK(tcp.servers == Counts{{0, 10}, {1, 10}, {2, 10}});
            CHECK(tcp.sources == std::set<std::string>{own});
            const auto udp = s.udp(s.client.get(), vip, 30);
            CHECK(udp.servers == Counts{{0, 10}, {1, 10}, {2, 10}});
            CHECK(udp.sources == std::set<std::string>{own});
        }
    }
}

TEST_CASE("a server reaches its own service, itself included") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Service s(bridge_nf);
        s.apply(s.backends[0].netns.get());
        CHECK(s.tcp(s.backends[0].netns.get(), vip4, 9).servers == Counts{{0, 3}, {1, 3}, {2, 3}});
        CHECK(s.tcp(s.backends[0].netns.get(), vip6, 9).servers == Counts{{0, 3}, {1, 3}, {2, 3}});
    }
}

TEST_CASE("connections to a server that takes no new ones go on; new ones go to the others") {
    Service s("0");
    std::vector<lab::Reached> held;
    for (int i = 0; i < 3; ++i) {
        held.push_back(lab::tcp_any(s.client.get(), vip4, 8080, s.sockets(&Backend::tcp)));
        REQUIRE(held.back().server >= 0);
    }
    s.change({0, 2});
    for (const auto& c : held) CHECK(lab::echoes(c));
    CHECK(s.tcp(s.client.get(), vip4, 20).servers == Counts{{0, 10}, {2, 10}});
    CHECK(s.tcp(s.client.get(), vip6, 20).servers == Counts{{0, 10}, {2, 10}});
    s.change({1});
    for (const auto& c : held) CHECK(lab::echoes(c));
    CHECK(s.tcp(s.client.get(), vip4, 5).servers == Counts{{1, 5}});
    s.change({});
    for (const auto& c : held) CHECK(lab::echoes(c));
    s.change({2, 1, 0});
    CHECK(s.tcp(s.client.get(), vip4, 30).servers == Counts{{0, 10}, {1, 10}, {2, 10}});
}

TEST_CASE("an address without servers refuses at once") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Service s(bridge_nf);
        s.change({});
        for (const char* vip : {vip4, vip6}) {
            CAPTURE(vip);
            const auto tcp = lab::tcp_any(s.client.get(), vip, 8080, {});
            CHECK(tcp.error == "refused");
            CHECK(tcp.milliseconds < 50);
            const auto udp = lab::udp_any(s.client.get(), vip, 8080, {});
            CHECK(udp.error == "refused");
            CHECK(udp.milliseconds < 50);
        }
        CHECK(lab::udp_any(s.client.get(), vip4, 8080, {}, 41000).error == "refused");
        // and it is there again as soon as there is one
        s.change({1});
        NetlinkSocket netfilter(NETLINK_NETFILTER, s.client.get());
        flush_flows(netfilter, {{}, s.table, {}});
        CHECK(lab::udp_any(s.client.get(), vip4, 8080, s.sockets(&Backend::udp), 41000).server == 1);
        CHECK(s.tcp(s.client.get(), vip4, 3).servers == Counts{{1, 3}});
        CHECK(s.udp(s.client.get(), vip6, 3).servers == Counts{{1, 3}});
    }
}

TEST_CASE("a UDP flow to a server that has gone finds another one once it is flushed; others stay where they are") {
    Service s("0");
    const auto servers = s.sockets(&Backend::udp);
    std::map<std::uint16_t, int> first;
    for (std::uint16_t port = 40000; port < 40020; ++port)
        first[port] = lab::udp_any(s.client.get(), vip4, 8080, servers, port).server;
    const auto again = [&](std::uint16_t port) {
        return lab::udp_any(s.client.get(), vip4, 8080, servers, port).server;
    };
    s.change({0, 2});
    for (const auto& [port, server] : first) CHECK(again(port) == server); // pinned
    NetlinkSocket netfilter(NETLINK_NETFILTER, s.client.get());
    flush_flows(netfilter, {{}, s.table, {}});
    for (const auto& [port, server] : first) {
        CAPTURE(port);
        if (server == 1) CHECK(again(port) != 1);
        else CHECK(again(port) == server);
    }
    // A container that has ended: its address may be another's next, so TCP goes as well.
    const auto held = lab::tcp_any(s.client.get(), vip4, 8080, s.sockets(&Backend::tcp));
    REQUIRE(held.server >= 0);
    s.change({1});
    flush_flows(netfilter, {{}, {}, {s.backends[held.server].v4}});
    CHECK_FALSE(lab::echoes(held));
}

TEST_CASE("a namespace behind a client's is served and refused as the client is") {
    Service s("0");
    // The client forwards for 10.9.0.0/24, as an inner Docker does.
    UniqueFd inner;
    in_netns(s.client.get(), [&] {
        NetlinkSocket inside(NETLINK_ROUTE);
        BridgeSpec b;
        b.name = "inner";
        b.owner = "test/inner";
        b.addresses = {InterfaceAddress::parse("10.9.0.1/24")};
        create_bridge(inside, b);
        set_sysctl("net/ipv4/ip_forward", "1");
        lab::output_of({"nft",
                        "add table ip inner; add chain ip inner post { type nat hook postrouting priority 100; };"
                        " add rule ip inner post ip saddr 10.9.0.0/24 masquerade"});
        inner = lab::container(inside, "inner", {InterfaceAddress::parse("10.9.0.2/24")}, IpAddress::parse("10.9.0.1"));
    });
    const auto spread = s.tcp(inner.get(), vip4, 9);
    CHECK(spread.servers == Counts{{0, 3}, {1, 3}, {2, 3}});
    CHECK(spread.sources == std::set<std::string>{"172.30.1.50"});
    s.change({});
    CHECK(lab::tcp_any(inner.get(), vip4, 8080, {}).error == "refused");
    CHECK(lab::udp_any(inner.get(), vip4, 8080, {}).error == "refused");
}

TEST_CASE("a table that is changed step by step is the one that is written at once") {
    Service s("0");
    const auto listing = [&] {
        return in_netns(s.client.get(), [] {
            return lab::output_of({"nft", "list", "table", "inet", vip_table_name});
        });
    };
    if (const char* path = std::getenv("DAVIT_DUMP_VIPS")) write_file_atomic(path, listing(), 0600, false);
    CHECK(listing() == read_file(std::string(DAVIT_TEST_DATA) + "/net/vip-table.nft"));
    const std::string whole = listing();
    for (const std::vector<int>& step : {std::vector<int>{0}, {}, {2, 1}, {1, 2, 0}, {0, 1, 2}}) s.change(step);
    CHECK(listing() == whole);
    NetlinkSocket netfilter(NETLINK_NETFILTER, s.client.get());
    const VipTable before = s.table;
    render_vip_change(before, {}).commit(netfilter);
    render_vip_change({}, before).commit(netfilter);
    CHECK(listing() == whole);
    write_vips(netfilter, s.table);
    CHECK(listing() == whole);
    remove_vips(netfilter);
    remove_vips(netfilter);
    CHECK(in_netns(s.client.get(), [] { return lab::output_of({"nft", "list", "ruleset"}); }).empty());
}

namespace {

// The service's port 9000 of the machine, which is reserved by sockets that take nothing, and its virtual addresses in
// the host's table; a container of another network, and the outside.
struct Published : Service {
    lab::TempDir run;
    NetlinkSocket netfilter{NETLINK_NETFILTER};
    UniqueFd neighbour, outside;
    ProjectNetState state;
    std::vector<PortReservation> reserved;

    explicit Published(const char* bridge_nf) : Service(bridge_nf) {
        // Refusals to one peer are bounded to one a second after the first few: here many are asked for at once.
        set_sysctl("net/ipv4/icmp_ratelimit", "0");
        set_sysctl("net/ipv6/icmp/ratelimit", "0");
        const auto bridge = [&](const char* name, std::vector<InterfaceAddress> addresses) {
            BridgeSpec b;
            b.name = name;
            b.owner = std::string("test/") + name;
            b.group = group;
            b.ipv6 = addresses.size() > 1;
            b.addresses = std::move(addresses);
            create_bridge(host, b);
        };
        bridge("dv-w", {InterfaceAddress::parse("172.30.2.1/24")});
        bridge("wan", {InterfaceAddress::parse("192.0.2.1/24"), InterfaceAddress::parse("2001:db8::1/64")});
        neighbour =
            lab::container(host, "dv-w", {InterfaceAddress::parse("172.30.2.2/24")}, IpAddress::parse("172.30.2.1"));
        outside = lab::container(host, "wan",
                                 {InterfaceAddress::parse("192.0.2.9/24"), InterfaceAddress::parse("2001:db8::9/64")},
                                 IpAddress::parse("192.0.2.1"));
        state.project = "test";
        state.group = group;
        state.networks = {
            {"v", "dv-v", {Subnet::parse("172.30.1.0/24"), Subnet::parse("fd00:1::/64")}, false, true, true},
            {"w", "dv-w", {Subnet::parse("172.30.2.0/24")}, false, true, true}};
        ServiceState s{"service/1", "web", false, {}, {}, {}};
        s.networks = {{"v", {}, IpAddress::parse(vip4), IpAddress::parse(vip6)}};
        s.ports = {{Proto::tcp, 9000, 8080}, {Proto::udp, 9000, 8080}};
        state.services = {s};
        for (const Proto proto : {Proto::tcp, Proto::udp})
            reserved.push_back(reserve_port({proto, std::nullopt, 9000}, run.path()));
        serve({0, 1, 2});
    }
    ~Published() { commit(MachineLock::acquire(run.path()), netfilter, {"test", group, {}, {}}); }

    void serve(const std::vector<int>& targets) {
        auto& list = state.services.front().backends;
        list.clear();
        for (const int i : targets)
            list.push_back(
                {std::to_string(i), {{"v", backends[i].v4, backends[i].v6}}, backends[i].v4, backends[i].v6});
        const auto done = commit(MachineLock::acquire(run.path()), netfilter, state);
        flush_flows(netfilter, {done.udp, done.services, {}});
    }
    void refuses(int from, const char* address, std::uint16_t port) const {
        CAPTURE(std::string(address));
        const auto tcp = lab::tcp_any(from, address, port, {});
        CHECK(tcp.error == "refused");
        CHECK(tcp.milliseconds < 50);
        const auto udp = lab::udp_any(from, address, port, {});
        CHECK(udp.error == "refused");
        CHECK(udp.milliseconds < 50);
    }
};

const Counts even{{0, 4}, {1, 4}, {2, 4}};

} // namespace

TEST_CASE("a service's published port spreads over its containers, from everywhere") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Published p(bridge_nf);
        struct From {
            int netns;
            const char *address, *seen;
        };
        const From all[] = {{p.outside.get(), "192.0.2.1", "192.0.2.9"},
                            {p.outside.get(), "2001:db8::1", "2001:db8::9"},
                            {-1, "127.0.0.1", "172.30.1.1"},
                            {-1, "192.0.2.1", "172.30.1.1"},
                            {-1, "2001:db8::1", "fd00:1::1"},
                            {p.neighbour.get(), "172.30.2.1", "172.30.2.2"},
                            {p.client.get(), "172.30.1.1", "172.30.1.1"},
                            {p.backends[0].netns.get(), "172.30.1.1", "172.30.1.1"},
                            {p.backends[0].netns.get(), "fd00:1::1", "fd00:1::1"}};
        for (const From& from : all) {
            CAPTURE(std::string(from.address));
            CAPTURE(std::string(from.seen));
            const auto tcp = p.tcp(from.netns, from.address, 12, 9000);
            CHECK(tcp.servers == even);
            CHECK(tcp.sources == std::set<std::string>{from.seen});
            const auto udp = p.udp(from.netns, from.address, 12, 9000);
            CHECK(udp.servers == even);
            CHECK(udp.sources == std::set<std::string>{from.seen});
        }
    }
}

TEST_CASE("processes of the host reach virtual addresses, containers of other networks do not") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Published p(bridge_nf);
        CHECK(p.tcp(-1, vip4, 12).servers == even);
        CHECK(p.tcp(-1, vip6, 12).servers == even);
        CHECK(p.udp(-1, vip4, 12).servers == even);
        CHECK(lab::tcp_any(p.neighbour.get(), vip4, 8080, p.sockets(&Backend::tcp)).server == -1);
        p.serve({});
        p.refuses(-1, vip4, 8080);
        p.refuses(-1, vip6, 8080);
    }
}

TEST_CASE("a published port without containers refuses at once, from everywhere") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Published p(bridge_nf);
        const auto held = lab::tcp_any(p.outside.get(), "192.0.2.1", 9000, p.sockets(&Backend::tcp));
        REQUIRE(held.server >= 0);
        p.serve({});
        CHECK(lab::echoes(held)); // what is connected stays
        p.refuses(p.outside.get(), "192.0.2.1", 9000);
        p.refuses(p.outside.get(), "2001:db8::1", 9000);
        p.refuses(-1, "127.0.0.1", 9000);
        p.refuses(-1, "::1", 9000);
        p.refuses(-1, "192.0.2.1", 9000);
        p.refuses(p.neighbour.get(), "172.30.2.1", 9000);
        p.refuses(p.client.get(), "172.30.1.1", 9000);
        CHECK(lab::udp_any(p.outside.get(), "192.0.2.1", 9000, {}, 43000).error == "refused");
        p.serve({2});
        CHECK(lab::udp_any(p.outside.get(), "192.0.2.1", 9000, p.sockets(&Backend::udp), 43000).server == 2);
        CHECK(p.tcp(-1, "127.0.0.1", 3, 9000).servers == Counts{{2, 3}});
    }
}

TEST_CASE("the host's table with a service reads as expected by nft, and changes step by step to the same") {
    Published p("0");
    const auto listing = [] { return lab::output_of({"nft", "list", "table", "inet", "davit"}); };
    const std::string whole = listing();
    if (const char* path = std::getenv("DAVIT_DUMP_SERVICES")) write_file_atomic(path, whole, 0600, false);
    // What is not of services is the other golden file's.
    const auto services = [](const std::string& text) { return text.substr(0, text.find("chain forward {")); };
    CHECK(services(whole) == services(read_file(std::string(DAVIT_TEST_DATA) + "/net/host-services.nft")));
    for (const std::vector<int>& step : {std::vector<int>{0}, {}, {2, 1}, {1, 2, 0}, {0, 1, 2}}) p.serve(step);
    CHECK(listing() == whole);
    render(load_state(p.run.path())).commit(p.netfilter);
    CHECK(listing() == whole);
    auto without = p.state;
    without.services.clear();
    commit(MachineLock::acquire(p.run.path()), p.netfilter, without);
    CHECK(listing().find("172.30.1.100") == std::string::npos);
    commit(MachineLock::acquire(p.run.path()), p.netfilter, p.state);
    CHECK(listing() == whole);
}
