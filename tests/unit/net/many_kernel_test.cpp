// Large numbers on the real kernel: answers that do not fit into a socket, full bridges, long lists.
#include "lab.hpp"

#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/firewall.hpp"
#include "net/ipam.hpp"
#include "net/link_messages.hpp"
#include "net/nft.hpp"
#include "net/taken.hpp"

#include <cerrno>
#include <chrono>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace davit;
using namespace davit::net;

namespace {

constexpr std::uint32_t group = 0x40000001;

void bridge(NetlinkSocket& host, const std::string& name, const std::string& address) {
    BridgeSpec b;
    b.name = name;
    b.owner = "test/" + name;
    b.group = group;
    b.addresses = {InterfaceAddress::parse(address)};
    create_bridge(host, b);
}

EndpointSpec endpoint(const std::string& bridge, const std::string& ifname, const IpAddress& address, int prefix) {
    EndpointSpec e;
    e.bridge = bridge;
    e.host_ifname = new_veth_name();
    e.ifname = ifname;
    e.addresses = {{address, prefix}};
    e.group = group;
    return e;
}

int loopback_index(NetlinkSocket& socket) { return find_link(socket, "lo")->index; }

} // namespace

TEST_CASE("a container is connected to sixty networks at once, with two hundred addresses on one of them") {
    NetlinkSocket host(NETLINK_ROUTE);
    NetnsPlan plan;
    for (int i = 0; i < 60; ++i) {
        const std::string n = std::to_string(i);
        bridge(host, "dv-m" + n, "10.200." + n + ".1/24");
        plan.endpoints.push_back(endpoint("dv-m" + n, "eth" + n, IpAddress::parse("10.200." + n + ".2"), 24));
    }
    for (int i = 0; i < 200; ++i)
        plan.endpoints[7].addresses.push_back(
            {IpAddress::parse("169.254.3.0").plus(static_cast<std::uint64_t>(i)), 32});
    plan.default_v4 = DefaultRoute{IpAddress::parse("10.200.59.1"), "eth59"};
    const UniqueFd ns = create_netns();
    attach(host, ns.get(), plan);
    {
        NetlinkSocket inside(NETLINK_ROUTE, ns.get());
        CHECK(list_links(inside).size() == 61);
        CHECK(all_addresses(inside).size() >= 260);
        CHECK(find_link(inside, "eth59")->up);
    }
    CHECK(observe_taken(host).size() >= 120); // an address and a route of each bridge
    delete_group(host, group);
}

TEST_CASE("a batch is as long as it has to be, and says which of its messages failed first") {
    const UniqueFd ns = create_netns();
    NetlinkSocket socket(NETLINK_ROUTE, ns.get());
    const int lo = loopback_index(socket);
    const auto address = [&](unsigned n) {
        Message m = address_message(RTM_NEWADDR, lo, {IpAddress::parse("10.50.0.1").plus(n), 32});
        m.what = "address " + std::to_string(n);
        return m;
    };
    std::vector<Message> batch;
    for (unsigned i = 0; i < 1000; ++i) batch.push_back(address(i));
    socket.request_all(std::move(batch));
    CHECK(list_addresses(socket, lo).size() >= 1000);

    batch.clear();
    for (unsigned i = 0; i < 1000; ++i) {
        batch.push_back(address_message(RTM_DELADDR, i < 700 ? lo : 999, {IpAddress::parse("10.50.0.1").plus(i), 32}));
        batch.back().what = "removal " + std::to_string(i);
    }
    CHECK_THROWS_WITH_AS(socket.request_all(std::move(batch)), doctest::Contains("removal 700"), Error);
    CHECK(list_addresses(socket, lo).size() == 302); // 127.0.0.1, ::1 and the last three hundred
    CHECK_NOTHROW(find_link(socket, "lo"));          // nothing of the long exchanges is left in the socket
}

TEST_CASE("a transaction of any size is carried out or refused, and then names its first failure") {
    const UniqueFd ns = create_netns();
    NetnsScope inside(ns.get());
    NetlinkSocket netfilter(NETLINK_NETFILTER);
    const nft::SetSpec set{"ports", {nft::Type::inet_service}, {}, false};
    const auto elements = [](unsigned count) {
        std::vector<nft::Element> list;
        for (unsigned i = 0; i < count; ++i)
            list.push_back({nft::Fields().port(static_cast<std::uint16_t>(i + 1)).bytes(), {}, {}, 0, {}});
        return list;
    };
    // From one datagram's default size to far beyond it: 20 to 900 KB.
    for (const unsigned count : {1000u, 3000u, 3500u, 4000u, 5000u, 40000u}) {
        CAPTURE(count);
        nft::Transaction t;
        t.add_table(nft::Family::inet, "test")
            .delete_table(nft::Family::inet, "test")
            .add_table(nft::Family::inet, "test");
        t.add_set("test", nft::Family::inet, set).add_elements("test", nft::Family::inet, set, elements(count));
        CHECK_NOTHROW(t.commit(netfilter));
    }
    std::vector<Message> rules;
    for (int i = 0; i < 2000; ++i)
        rules.push_back(address_message(RTM_NEWADDR, 1, {IpAddress(), 32})); // no nftables messages at all
    const auto failure = netfilter.transact(rules);
    CHECK(failure.errnum != 0);
    CHECK(failure.index == 0);
}

TEST_CASE("a bridge takes 1023 containers, and the one too many is told why") {
    NetlinkSocket host(NETLINK_ROUTE);
    bridge(host, "dv-full", "172.20.0.1/20");
    const UniqueFd ns = create_netns();
    AddressPool pool({Subnet::parse("172.20.0.0/20"), {}, {}, {}, true});
    NetnsPlan plan;
    for (int i = 0; i < 1023; ++i) {
        const std::string n = std::to_string(i);
        plan.endpoints.push_back(endpoint("dv-full", "eth" + n, pool.allocate(n, "a/" + n), 20));
    }
    const auto start = std::chrono::steady_clock::now();
    attach(host, ns.get(), plan);
    MESSAGE("1023 endpoints: " << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
                               << " s");
    {
        NetlinkSocket inside(NETLINK_ROUTE, ns.get());
        CHECK(list_links(inside).size() == 1024);
        CHECK(all_addresses(inside).size() >= 1023);
    }
    const UniqueFd last = create_netns();
    EndpointSpec more = endpoint("dv-full", "eth0", pool.allocate("more"), 20);
    more.network = "shop_default";
    try {
        attach(host, last.get(), {{more}, {}, {}});
        FAIL("the kernel has more ports than it had");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::conflict);
        CHECK(std::string(e.what()) ==
              "network shop_default is full: 1023 containers are on it, as many as a bridge of the kernel has ports");
        CHECK_FALSE(e.hint().empty());
    }
    delete_group(host, group);
}

TEST_CASE("UDP flows of a thousand ports are dropped by one walk through the table, those of others stay") {
    const UniqueFd ns = create_netns();
    NetnsScope inside(ns.get());
    NetlinkSocket host(NETLINK_ROUTE), netfilter(NETLINK_NETFILTER);
    // Flows are tracked where somebody asks for it.
    REQUIRE(lab::output_of({"nft", "add table ip track; add chain ip track out { type filter hook output priority 0; "
                                   "}; add rule ip track out ct state new counter"})
                .empty());
    std::vector<UniqueFd> sockets;
    const UniqueFd server = lab::udp_bind(-1, "127.0.0.1", 4999);
    const auto flow = [&](std::uint16_t port) {
        sockets.push_back(lab::udp_bind(-1, "127.0.0.1", 0));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::sendto(sockets.back().get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    };
    for (std::uint16_t port = 5000; port < 5100; ++port) flow(port);
    flow(4999);
    flow(6500);
    const auto flows = [] { return lab::output_of({"conntrack", "-L", "-p", "udp"}); };
    REQUIRE(flows().find(" dport=5099 ") != std::string::npos);
    std::vector<UdpPorts> ports;
    for (std::uint16_t port = 5000; port < 6000; ++port) ports.push_back({port, 1});
    const auto start = std::chrono::steady_clock::now();
    flush_udp_conntrack(netfilter, ports);
    MESSAGE("flush of 1000 ports: "
            << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() << " ms");
    const std::string left = flows();
    // With the blank behind: a port that the kernel chose for an answer may begin with 50, too.
    for (std::uint16_t port = 5000; port < 5100; ++port)
        CHECK(left.find(fmt::format(" dport={} ", port)) == std::string::npos);
    CHECK(left.find(" dport=4999 ") != std::string::npos);
    CHECK(left.find(" dport=6500 ") != std::string::npos);
    flush_udp_conntrack(netfilter, {{6000, 1000}});
    CHECK(flows().find(" dport=6500 ") == std::string::npos);
}
