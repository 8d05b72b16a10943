#include "lab.hpp"

#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/link_messages.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <linux/netlink.h>

using namespace davit;
using namespace davit::net;

namespace {

BridgeSpec bridge(const std::string& name, std::vector<InterfaceAddress> addresses) {
    BridgeSpec b;
    b.name = name;
    b.owner = "test/" + name;
    b.group = 0x40000001;
    for (const auto& a : addresses) b.ipv6 = b.ipv6 || a.address.is_v6();
    b.addresses = std::move(addresses);
    return b;
}

} // namespace

TEST_CASE("containers on one bridge reach each other and the gateway over IPv4 and IPv6") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host,
                  bridge("dv-a", {InterfaceAddress::parse("172.30.1.1/24"), InterfaceAddress::parse("fd00:1::1/64")}));
    const auto gateway = IpAddress::parse("172.30.1.1");
    const UniqueFd a = lab::container(
        host, "dv-a", {InterfaceAddress::parse("172.30.1.11/24"), InterfaceAddress::parse("fd00:1::11/64")}, gateway);
    const UniqueFd b = lab::container(
        host, "dv-a", {InterfaceAddress::parse("172.30.1.12/24"), InterfaceAddress::parse("fd00:1::12/64")}, gateway);
    const UniqueFd web4 = lab::tcp_listen(a.get(), "0.0.0.0", 80);
    const UniqueFd web6 = lab::tcp_listen(a.get(), "::", 80);
    const UniqueFd on_host = lab::tcp_listen(-1, "0.0.0.0", 9);
    CHECK(lab::tcp_try(b.get(), "172.30.1.11", 80, web4.get()) == "172.30.1.12");
    CHECK(lab::tcp_try(b.get(), "fd00:1::11", 80, web6.get()) == "fd00:1::12");
    CHECK(lab::tcp_try(-1, "172.30.1.11", 80, web4.get()) == "172.30.1.1");
    CHECK(lab::tcp_try(b.get(), "172.30.1.1", 9, on_host.get()) == "172.30.1.12");
    CHECK(lab::tcp_try(b.get(), "127.0.0.1", 80, web4.get()) == "refused"); // lo is up, and nobody else's

    SUBCASE("the links carry davit's marks and go away with their group") {
        const auto links = list_davit_links(host);
        REQUIRE(links.size() == 3);
        CHECK(find_link(host, "dv-a")->alias == "davit test/dv-a");
        for (const auto& l : links) CHECK(l.group == 0x40000001);
        delete_group(host, 0x40000001);
        CHECK(list_davit_links(host).empty());
        delete_group(host, 0x40000001); // nothing left is fine
        CHECK_THROWS_AS(delete_group(host, 0), Error);
    }
    delete_group(host, 0x40000001);
}

TEST_CASE("creating a bridge twice gives the second shape and keeps its ports") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("dv-a", {InterfaceAddress::parse("172.30.1.1/24")}));
    const UniqueFd a =
        lab::container(host, "dv-a", {InterfaceAddress::parse("172.30.1.11/24")}, IpAddress::parse("172.30.1.1"));
    auto second = bridge("dv-a", {InterfaceAddress::parse("172.30.1.254/24")});
    second.mtu = 1400;
    create_bridge(host, second);
    const auto link = find_link(host, "dv-a");
    REQUIRE(link);
    CHECK(link->mtu == 1400);
    const auto addresses = list_addresses(host, link->index);
    REQUIRE(addresses.size() == 1);
    CHECK(addresses[0].to_string() == "172.30.1.254/24");
    delete_group(host, 0x40000001);
}

TEST_CASE("an interface of somebody else is not taken for a bridge") {
    NetlinkSocket host(NETLINK_ROUTE);
    CHECK_THROWS_WITH_AS(create_bridge(host, bridge("lo", {})), doctest::Contains("not a bridge of davit"), Error);
    CHECK_THROWS_AS(create_bridge(host, bridge("a name that is long", {})), Error);
    remove_bridge(host, "dv-missing");
}

TEST_CASE("a bridge of another network, perhaps of another state root, is left alone") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("br9", {InterfaceAddress::parse("172.30.1.1/24")}));
    auto thief = bridge("br9", {InterfaceAddress::parse("172.30.9.1/24")});
    thief.owner = "other/net";
    CHECK_THROWS_WITH_AS(create_bridge(host, thief), "bridge br9 is of the network test/br9 already", Error);
    CHECK(list_addresses(host, find_link(host, "br9")->index).at(0).to_string() == "172.30.1.1/24");
    remove_bridge(host, "br9");
    CHECK(bridge_name("p", "n") == bridge_name("p", "n", "/run/davit"));
    CHECK(bridge_name("p", "n") != bridge_name("p", "n", "/srv/other/run"));
}

TEST_CASE("without IPv6 the interface has it disabled and lo keeps it") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("dv-a", {InterfaceAddress::parse("172.30.1.1/24")}));
    const UniqueFd a =
        lab::container(host, "dv-a", {InterfaceAddress::parse("172.30.1.11/24")}, IpAddress::parse("172.30.1.1"));
    in_netns(a.get(), [] {
        CHECK(get_sysctl("net.ipv6.conf.eth0.disable_ipv6") == "1");
        CHECK(get_sysctl("net.ipv6.conf.lo.disable_ipv6") == "0");
        CHECK(get_sysctl("net.ipv6.conf.all.disable_ipv6") == "0");
    });
    delete_group(host, 0x40000001);
}

TEST_CASE("an endpoint gets its names, routes, MAC, MTU and sysctls") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("dv-a", {InterfaceAddress::parse("172.30.1.1/24")}));
    create_bridge(host, bridge("dv-b", {InterfaceAddress::parse("172.30.2.1/24")}));
    UniqueFd ns = create_netns();
    EndpointSpec front{"dv-a",
                       new_veth_name(),
                       "uplink",
                       MacAddress::parse("02:12:3b:00:00:09"),
                       {InterfaceAddress::parse("172.30.1.11/24"), InterfaceAddress::parse("169.254.8.8/16")},
                       1400,
                       0x40000001,
                       false,
                       true,
                       {{"net.ipv4.conf.IFNAME.log_martians", "1"}}};
    EndpointSpec back{"dv-b", new_veth_name(), "side0", std::nullopt, {InterfaceAddress::parse("172.30.2.11/24")},
                      0,      0x40000001,      false,   true,         {}};
    attach(host, ns.get(), {{front, back}, DefaultRoute{IpAddress::parse("172.30.2.1"), "side0"}, std::nullopt});
    NetnsScope inside(ns.get());
    NetlinkSocket socket(NETLINK_ROUTE);
    CHECK(find_link(socket, "uplink")->mtu == 1400);
    CHECK(find_link(socket, "side0")->mtu == 1500);
    CHECK(get_sysctl("net.ipv4.conf.uplink.log_martians") == "1");
    const std::string routes = lab::output_of({"ip", "route"});
    CHECK(routes.find("default via 172.30.2.1 dev side0") != std::string::npos);
    CHECK(lab::output_of({"ip", "-o", "addr", "show", "uplink"}).find("169.254.8.8/16") != std::string::npos);
    CHECK(lab::output_of({"ip", "-o", "addr", "show", "uplink"}).find("172.30.1.11/24 brd 172.30.1.255") !=
          std::string::npos);
    CHECK(lab::output_of({"ip", "link", "show", "uplink"}).find("02:12:3b:00:00:09") != std::string::npos);
    CHECK(lab::output_of({"ip", "link", "show", "side0"}).find("02:42:ac:1e:02:0b") != std::string::npos);
}

TEST_CASE("a failed attachment says what failed and in which words of the kernel") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("dv-b", {InterfaceAddress::parse("172.30.2.1/24")}));
    UniqueFd ns = create_netns();
    EndpointSpec e{"dv-b", new_veth_name(), "eth0", std::nullopt, {InterfaceAddress::parse("172.30.2.11/24")},
                   0,      0x40000001,      false,  true,         {}};
    try {
        attach(host, ns.get(), {{e}, DefaultRoute{IpAddress::parse("10.9.9.9"), "eth0"}, std::nullopt});
        FAIL("the gateway cannot be reached");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("adding the default route by 10.9.9.9") != std::string::npos);
        CHECK(std::string(error.what()).find("Nexthop has invalid gateway") != std::string::npos);
    }
    e.bridge = "dv-none";
    CHECK_THROWS_WITH_AS(attach(host, ns.get(), {{e}, {}, {}}), doctest::Contains("bridge dv-none does not exist"),
                         Error);
    delete_group(host, 0x40000001);
}

TEST_CASE("with icc off neighbours are cut off and the gateway stays") {
    NetlinkSocket host(NETLINK_ROUTE);
    if (!get_sysctl("net/bridge/bridge-nf-call-iptables").empty())
        set_sysctl("net/bridge/bridge-nf-call-iptables", "0");
    create_bridge(host, bridge("dv-a", {InterfaceAddress::parse("172.30.1.1/24")}));
    const auto gateway = IpAddress::parse("172.30.1.1");
    const UniqueFd a = lab::container(host, "dv-a", {InterfaceAddress::parse("172.30.1.11/24")}, gateway, false);
    const UniqueFd b = lab::container(host, "dv-a", {InterfaceAddress::parse("172.30.1.12/24")}, gateway, false);
    const UniqueFd web = lab::tcp_listen(a.get(), "0.0.0.0", 80);
    const UniqueFd on_host = lab::tcp_listen(-1, "0.0.0.0", 9);
    CHECK(lab::tcp_try(b.get(), "172.30.1.11", 80, web.get()) == "timeout");
    CHECK(lab::tcp_try(b.get(), "172.30.1.1", 9, on_host.get()) == "172.30.1.12");
    delete_group(host, 0x40000001);
}

TEST_CASE("fifty endpoints are connected at about a millisecond each") {
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, bridge("dv-a", {InterfaceAddress::parse("172.30.0.1/16")}));
    std::vector<UniqueFd> all;
    const auto start = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < 50; ++i)
        all.push_back(lab::container(host, "dv-a", {{IpAddress::parse("172.30.1.0").plus(i), 16}},
                                     IpAddress::parse("172.30.0.1")));
    const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    MESSAGE("per endpoint: " << ms / 50 << " ms");
    CHECK(list_davit_links(host).size() == 51);
    const auto removal = std::chrono::steady_clock::now();
    delete_group(host, 0x40000001);
    MESSAGE("removal of all: "
            << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - removal).count() << " ms");
    CHECK(list_davit_links(host).empty());
}
