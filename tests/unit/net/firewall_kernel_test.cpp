#include "lab.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/firewall.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <linux/netlink.h>

using namespace davit;
using namespace davit::net;

namespace {

constexpr std::uint32_t group = 0x40000001;

void make_bridge(NetlinkSocket& host, const std::string& name, std::vector<InterfaceAddress> addresses) {
    BridgeSpec b;
    b.name = name;
    b.owner = "test/" + name;
    b.group = group;
    for (const auto& a : addresses) b.ipv6 = b.ipv6 || a.address.is_v6();
    b.addresses = std::move(addresses);
    create_bridge(host, b);
}

PortForward port(Proto proto, std::uint16_t host, std::string_view ip, std::uint16_t inside,
                 std::string_view host_ip = {}, std::uint16_t count = 1) {
    PortForward p;
    p.owner = p.owner_name = "c";
    p.proto = proto;
    p.host_port = host;
    p.container_ip = IpAddress::parse(ip);
    p.container_port = inside;
    p.count = count;
    if (!host_ip.empty()) p.host_ip = IpAddress::parse(host_ip);
    return p;
}

// Three networks of one project (A, B open, I internal), the outside behind `wan`.
struct Machine {
    lab::TempDir run;
    NetlinkSocket host{NETLINK_ROUTE}, netfilter{NETLINK_NETFILTER};
    UniqueFd a1, a2, b1, i1, i2, outside;
    UniqueFd a1_tcp, a1_udp, a2_tcp, b1_tcp, i1_tcp, a1_range, a1_tcp6, out_tcp, host_lo, host_any;

    explicit Machine(const char* bridge_nf) {
        if (!get_sysctl("net/bridge/bridge-nf-call-iptables").empty()) {
            set_sysctl("net/bridge/bridge-nf-call-iptables", bridge_nf);
            set_sysctl("net/bridge/bridge-nf-call-ip6tables", bridge_nf);
        }
        make_bridge(host, "dv-a", {InterfaceAddress::parse("172.30.1.1/24"), InterfaceAddress::parse("fd00:1::1/64")});
        make_bridge(host, "dv-b", {InterfaceAddress::parse("172.30.2.1/24")});
        make_bridge(host, "dv-i", {InterfaceAddress::parse("172.30.3.1/24")});
        make_bridge(host, "wan", {InterfaceAddress::parse("192.0.2.1/24"), InterfaceAddress::parse("2001:db8::1/64")});
        const auto none = IpAddress();
        a1 = lab::container(host, "dv-a",
                            {InterfaceAddress::parse("172.30.1.11/24"), InterfaceAddress::parse("fd00:1::11/64")},
                            IpAddress::parse("172.30.1.1"));
        a2 = lab::container(host, "dv-a",
                            {InterfaceAddress::parse("172.30.1.12/24"), InterfaceAddress::parse("fd00:1::12/64")},
                            IpAddress::parse("172.30.1.1"));
        b1 = lab::container(host, "dv-b", {InterfaceAddress::parse("172.30.2.11/24")}, IpAddress::parse("172.30.2.1"));
        i1 = lab::container(host, "dv-i", {InterfaceAddress::parse("172.30.3.11/24")}, none);
        i2 = lab::container(host, "dv-i", {InterfaceAddress::parse("172.30.3.12/24")}, IpAddress::parse("172.30.3.1"));
        // the outside has a route to the containers' networks, as a hostile neighbour on the LAN would
        outside = lab::container(host, "wan",
                                 {InterfaceAddress::parse("192.0.2.9/24"), InterfaceAddress::parse("2001:db8::9/64")},
                                 IpAddress::parse("192.0.2.1"));
        a1_tcp = lab::tcp_listen(a1.get(), "0.0.0.0", 8080);
        a1_tcp6 = lab::tcp_listen(a1.get(), "::", 8080);
        a1_udp = lab::udp_bind(a1.get(), "0.0.0.0", 8080);
        a1_range = lab::tcp_listen(a1.get(), "0.0.0.0", 20500);
        a2_tcp = lab::tcp_listen(a2.get(), "0.0.0.0", 8080);
        b1_tcp = lab::tcp_listen(b1.get(), "0.0.0.0", 8080);
        i1_tcp = lab::tcp_listen(i1.get(), "0.0.0.0", 8080);
        out_tcp = lab::tcp_listen(outside.get(), "0.0.0.0", 80);
        host_lo = lab::tcp_listen(-1, "127.0.0.1", 7000);
        host_any = lab::tcp_listen(-1, "0.0.0.0", 7001);
    }
    ~Machine() { delete_group(host, group); }

    ProjectNetState state() const {
        ProjectNetState s;
        s.project = "test";
        s.group = group;
        s.networks = {{"a", "dv-a", {Subnet::parse("172.30.1.0/24"), Subnet::parse("fd00:1::/64")}, false, true, true},
                      {"b", "dv-b", {Subnet::parse("172.30.2.0/24")}, false, true, true},
                      {"i", "dv-i", {Subnet::parse("172.30.3.0/24")}, true, true, true}};
        s.ports = {port(Proto::tcp, 8081, "172.30.1.11", 8080),
                   port(Proto::udp, 8081, "172.30.1.11", 8080),
                   port(Proto::tcp, 8082, "172.30.2.11", 8080),
                   port(Proto::tcp, 9000, "172.30.1.11", 8080, "127.0.0.1"),
                   port(Proto::tcp, 9001, "172.30.2.11", 8080, "192.0.2.1"),
                   port(Proto::tcp, 20000, "172.30.1.11", 20000, {}, 1000),
                   port(Proto::tcp, 8081, "fd00:1::11", 8080)};
        return s;
    }
    void apply(const ProjectNetState& s) {
        flush_udp_conntrack(netfilter, commit(MachineLock::acquire(run.path()), netfilter, s).udp);
    }
    std::string ruleset() const { return lab::output_of({"nft", "list", "ruleset"}); }
};

} // namespace

TEST_CASE("published ports, isolation and masquerading behave with bridge-nf-call-iptables 0 and 1") {
    for (const char* bridge_nf : {"0", "1"}) {
        CAPTURE(bridge_nf);
        Machine m(bridge_nf);
        m.apply(m.state());
        const int host = -1;
        const auto tcp = lab::tcp_try;
        const auto udp = lab::udp_try;
        // from outside: the client's own address is seen
        CHECK(tcp(m.outside.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "192.0.2.9");
        CHECK(udp(m.outside.get(), "192.0.2.1", 8081, m.a1_udp.get()) == "192.0.2.9");
        CHECK(tcp(m.outside.get(), "2001:db8::1", 8081, m.a1_tcp6.get()) == "2001:db8::9");
        CHECK(tcp(m.outside.get(), "192.0.2.1", 9001, m.b1_tcp.get()) == "192.0.2.9");
        CHECK(tcp(m.outside.get(), "192.0.2.1", 9000, m.a1_tcp.get()) == "refused"); // only on 127.0.0.1
        CHECK(tcp(m.outside.get(), "192.0.2.1", 20500, m.a1_range.get()) == "192.0.2.9");
        // from the machine itself
        CHECK(tcp(host, "127.0.0.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(udp(host, "127.0.0.1", 8081, m.a1_udp.get()) == "172.30.1.1");
        CHECK(tcp(host, "127.0.0.1", 9000, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(host, "192.0.2.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(host, "172.30.1.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(host, "172.30.1.11", 8080, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(host, "127.0.0.1", 7000, m.host_lo.get()) == "127.0.0.1");
        // neighbours, hairpin, other networks
        CHECK(tcp(m.a2.get(), "172.30.1.11", 8080, m.a1_tcp.get()) == "172.30.1.12");
        CHECK(tcp(m.a1.get(), "172.30.1.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(m.a1.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(tcp(m.a2.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
        CHECK(udp(m.a2.get(), "172.30.1.1", 8081, m.a1_udp.get()) == "172.30.1.1");
        CHECK(tcp(m.b1.get(), "172.30.2.1", 8081, m.a1_tcp.get()) == "172.30.2.11");
        CHECK(tcp(m.b1.get(), "172.30.1.1", 8081, m.a1_tcp.get()) == "172.30.2.11");
        CHECK(tcp(m.b1.get(), "172.30.1.11", 8080, m.a1_tcp.get()) == "timeout");
        CHECK(tcp(m.a1.get(), "172.30.2.11", 8080, m.b1_tcp.get()) == "timeout");
        // the way out is masqueraded; nobody comes in past the published ports
        CHECK(tcp(m.a1.get(), "192.0.2.9", 80, m.out_tcp.get()) == "192.0.2.1");
        CHECK(tcp(m.outside.get(), "172.30.1.11", 8080, m.a1_tcp.get()) == "timeout");
        CHECK(tcp(m.outside.get(), "172.30.1.1", 7001, m.host_any.get()) == "timeout");
        // internal: neighbours and the gateway only, even with a default route
        CHECK(tcp(m.i2.get(), "172.30.3.11", 8080, m.i1_tcp.get()) == "172.30.3.12");
        CHECK(tcp(m.i2.get(), "172.30.3.1", 7001, m.host_any.get()) == "172.30.3.12");
        CHECK(tcp(m.i2.get(), "192.0.2.9", 80, m.out_tcp.get()) == "timeout");
        CHECK(tcp(m.i2.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "timeout");
        CHECK(tcp(m.i1.get(), "192.0.2.9", 80, m.out_tcp.get()) == "unreachable");
        // route_localnet is on, and still nobody reaches what listens on the machine's loopback
        in_netns(m.a1.get(), [] {
            set_sysctl("net.ipv4.conf.eth0.route_localnet", "1");
            lab::output_of({"ip", "addr", "del", "127.0.0.1/8", "dev", "lo"});
            lab::output_of({"ip", "route", "flush", "table", "local", "dev", "lo"});
            lab::output_of({"ip", "route", "add", "127.0.0.1", "via", "172.30.1.1", "dev", "eth0"});
        });
        CHECK(tcp(m.a1.get(), "127.0.0.1", 7000, m.host_lo.get()) == "timeout");
        m.apply({"test", group, {}, {}});
    }
}

TEST_CASE("the table reads as expected by nft") {
    Machine m("0");
    const std::string forwarding = get_sysctl("net/ipv4/ip_forward");
    set_sysctl("net/ipv4/ip_forward", "0"); // else nothing foreign is kept from being forwarded
    m.apply(m.state());
    const std::string listing = lab::output_of({"nft", "list", "table", "inet", "davit"});
    if (const char* path = std::getenv("DAVIT_DUMP_TABLE")) write_file_atomic(path, listing, 0600, false);
    const auto expected = read_file(std::string(DAVIT_TEST_DATA) + "/net/host-table.nft");
    CHECK(listing == expected);
    m.apply({"test", group, {}, {}});
    set_sysctl("net/ipv4/ip_forward", forwarding);
}

TEST_CASE("without the table the machine's loopback is open to containers: the drop is needed") {
    Machine m("0");
    in_netns(m.a1.get(), [] {
        set_sysctl("net.ipv4.conf.eth0.route_localnet", "1");
        lab::output_of({"ip", "addr", "del", "127.0.0.1/8", "dev", "lo"});
        lab::output_of({"ip", "route", "flush", "table", "local", "dev", "lo"});
        lab::output_of({"ip", "route", "add", "127.0.0.1", "via", "172.30.1.1", "dev", "eth0"});
    });
    CHECK(lab::tcp_try(m.a1.get(), "127.0.0.1", 7000, m.host_lo.get()) == "172.30.1.11");
}

TEST_CASE("ports come and go by element transactions, and the last project takes everything away") {
    Machine m("0");
    set_sysctl("net/ipv4/ip_forward", "0");
    const std::string before = m.ruleset();
    auto s = m.state();
    s.ports.clear();
    m.apply(s);
    CHECK(get_sysctl("net/ipv4/ip_forward") == "1");
    CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, m.a1_tcp.get()) == "refused");
    s.ports = {port(Proto::tcp, 8081, "172.30.1.11", 8080), port(Proto::udp, 8081, "172.30.1.11", 8080)};
    m.apply(s);
    CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
    s.ports = {port(Proto::tcp, 8081, "172.30.1.12", 8080)}; // the same port moves to another container
    m.apply(s);
    CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, m.a2_tcp.get()) == "172.30.1.1");
    CHECK(lab::udp_try(-1, "127.0.0.1", 8081, m.a1_udp.get()) != "172.30.1.1");

    ProjectNetState other{"other", group + 1, {{"x", "dv-x", {Subnet::parse("172.30.9.0/24")}, false, true, true}}, {}};
    m.apply(other);
    m.apply({"test", group, {}, {}});
    CHECK(m.ruleset().find("172.30.1.") == std::string::npos);
    CHECK(m.ruleset().find("172.30.9.0/24") != std::string::npos);
    m.apply({"other", group + 1, {}, {}});
    CHECK(m.ruleset() == before);
    CHECK(get_sysctl("net/ipv4/ip_forward") == "0");
    CHECK_FALSE(exists(m.run.path() + "/net/sysctls.json"));
}

TEST_CASE("what is not davit's is not forwarded when davit opened forwarding") {
    Machine m("0");
    make_bridge(m.host, "lan", {InterfaceAddress::parse("198.51.100.1/24")});
    const UniqueFd lan =
        lab::container(m.host, "lan", {InterfaceAddress::parse("198.51.100.9/24")}, IpAddress::parse("198.51.100.1"));
    set_sysctl("net/ipv4/ip_forward", "0");
    m.apply(m.state());
    CHECK(lab::tcp_try(lan.get(), "192.0.2.9", 80, m.out_tcp.get()) == "timeout");
    m.apply({"test", group, {}, {}});
    set_sysctl("net/ipv4/ip_forward", "1");
    m.apply(m.state());
    CHECK(lab::tcp_try(lan.get(), "192.0.2.9", 80, m.out_tcp.get()) == "198.51.100.9");
    m.apply({"test", group, {}, {}});
    CHECK(get_sysctl("net/ipv4/ip_forward") == "1");
}

TEST_CASE("a foreign flush of the ruleset is healed") {
    Machine m("0");
    m.apply(m.state());
    const std::string before = m.ruleset();
    CHECK_FALSE(heal(MachineLock::acquire(m.run.path()), m.netfilter));
    lab::output_of({"nft", "flush", "ruleset"});
    CHECK_FALSE(table_present(m.netfilter));
    CHECK(heal(MachineLock::acquire(m.run.path()), m.netfilter));
    CHECK(m.ruleset() == before);
    CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, m.a1_tcp.get()) == "172.30.1.1");

    SUBCASE("and so is a set that somebody emptied, by the next change that does not fit") {
        lab::output_of({"nft", "flush", "map", "inet", "davit", "pub4"});
        auto s = m.state();
        s.ports.erase(s.ports.begin());
        m.apply(s);
        CHECK(m.ruleset().find("8082 : 172.30.2.11") != std::string::npos);
    }
    SUBCASE("and so is a change that was interrupted") {
        write_file_atomic(m.run.path() + "/net/dirty", "", 0600, false);
        lab::output_of({"nft", "flush", "map", "inet", "davit", "pub4"});
        m.apply(m.state());
        CHECK(m.ruleset() == before);
    }
    m.apply({"test", group, {}, {}});
}

TEST_CASE("an UDP flow follows its port to the new container") {
    Machine m("0");
    auto s = m.state();
    s.ports = {port(Proto::udp, 5000, "172.30.1.11", 8080)};
    m.apply(s);
    const UniqueFd a2_udp = lab::udp_bind(m.a2.get(), "0.0.0.0", 8080);
    CHECK(lab::udp_try(m.outside.get(), "192.0.2.1", 5000, m.a1_udp.get()) == "192.0.2.9");
    lab::output_of({"conntrack", "-L", "-p", "udp"});
    s.ports = {port(Proto::udp, 5000, "172.30.1.12", 8080)};
    m.apply(s);
    CHECK(lab::output_of({"conntrack", "-L", "-p", "udp"}).find("dport=5000") == std::string::npos);
    CHECK(lab::udp_try(m.outside.get(), "192.0.2.1", 5000, a2_udp.get()) == "192.0.2.9");
    m.apply({"test", group, {}, {}});
}

TEST_CASE("a foreign forward chain with policy drop is opened for our bridges and closed again") {
    Machine m("0");
    for (const bool docker : {false, true}) {
        lab::output_of(
            {"nft",
             "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }"});
        if (docker)
            lab::output_of({"nft", "add chain ip filter DOCKER-USER; insert rule ip filter FORWARD jump DOCKER-USER"});
        const std::string before = m.ruleset();
        REQUIRE(foreign_forward_drops(m.netfilter).size() == 1);
        CHECK_FALSE(foreign_forward_drops(m.netfilter)[0].opened);
        m.apply(m.state());
        CHECK(foreign_forward_drops(m.netfilter)[0].opened);
        CHECK(foreign_forward_drops(m.netfilter)[0].has_docker_user == docker);
        CHECK(lab::tcp_try(m.a1.get(), "192.0.2.9", 80, m.out_tcp.get()) == "192.0.2.1");
        CHECK(lab::tcp_try(m.outside.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "192.0.2.9");
        m.apply({"test", group, {}, {}});
        CHECK(m.ruleset() == before);
        lab::output_of({"nft", "delete table ip filter"});
    }
}

TEST_CASE("a foreign forward chain whose last rule drops or rejects everything is opened, too") {
    Machine m("0");
    for (const char* last :
         {"reject with icmpx admin-prohibited", "counter drop", "log drop"}) { // firewalld's is the first
        CAPTURE(last);
        lab::output_of(
            {"nft",
             "add table inet fw; add chain inet fw FORWARD { type filter hook forward priority 10; policy accept; }"});
        lab::output_of({"nft", std::string("add rule inet fw FORWARD ct state established accept; add rule inet fw "
                                           "FORWARD ct status dnat accept; add rule inet fw FORWARD ") +
                                   last});
        const std::string before = m.ruleset();
        REQUIRE(foreign_forward_drops(m.netfilter).size() == 1);
        CHECK_FALSE(foreign_forward_drops(m.netfilter)[0].opened);
        m.apply(m.state());
        CHECK(foreign_forward_drops(m.netfilter)[0].opened);
        CHECK(lab::tcp_try(m.a1.get(), "192.0.2.9", 80, m.out_tcp.get()) == "192.0.2.1");
        CHECK(lab::tcp_try(m.outside.get(), "172.30.1.11", 8080, m.a1_tcp.get()) ==
              "timeout"); // our own table still guards
        m.apply({"test", group, {}, {}});
        CHECK(m.ruleset() == before);
        lab::output_of({"nft", "delete table inet fw"});
    }
    lab::output_of({"nft", "add table inet fw; add chain inet fw FORWARD { type filter hook forward priority 10; "
                           "policy accept; }; add rule inet fw FORWARD iifname wlan0 drop"});
    CHECK(foreign_forward_drops(m.netfilter).empty()); // a rule with a condition means some, not all
    lab::output_of({"nft", "delete table inet fw"});
}

TEST_CASE("icc off cuts neighbours with bridge-nf 1 too, and published ports still work") {
    Machine m("1");
    auto s = m.state();
    s.networks[0].icc = false;
    m.apply(s);
    CHECK(lab::tcp_try(m.a2.get(), "172.30.1.11", 8080, m.a1_tcp.get()) == "timeout");
    CHECK(lab::tcp_try(m.a2.get(), "192.0.2.1", 8081, m.a1_tcp.get()) == "172.30.1.1");
    m.apply({"test", group, {}, {}});
}
