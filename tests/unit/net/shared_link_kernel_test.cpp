// Links on a parent that the host shares. Where a kernel has no such links (VLANs, dummies and ipvlan are modules), the
// refusal is what is tested; Debian's kernel, in tests/vm, has them all.
#include "lab.hpp"

#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/shared_link.hpp"

#include <doctest/doctest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>

using namespace davit;
using namespace davit::net;

namespace {

constexpr std::uint32_t links_group = 0x40000002;

EndpointSpec on(const std::string& parent, LinkKind kind, std::uint16_t mode, const char* address) {
    EndpointSpec e;
    e.bridge = parent;
    e.link = {kind, mode, 0};
    e.ifname = "eth0";
    e.addresses = {InterfaceAddress::parse(address)};
    return e;
}

// Two containers, and what one of them got of the other's answer.
std::string between(NetlinkSocket& host, const EndpointSpec& a, const EndpointSpec& b, const std::string& to) {
    const UniqueFd first = create_netns(), second = create_netns();
    attach(host, first.get(), {{a}, {}, {}});
    attach(host, second.get(), {{b}, {}, {}});
    const UniqueFd server = lab::tcp_listen(second.get(), to, 8080);
    return lab::tcp_try(first.get(), to, 8080, server.get());
}

bool made(NetlinkSocket& host, const ParentSpec& parent) {
    try {
        const bool now = provide_parent(host, parent);
        CHECK(now);
        return now;
    } catch (const Error& e) {
        REQUIRE(e.kind() == Errc::unsupported);
        MESSAGE(e.what());
        return false;
    }
}

} // namespace

TEST_CASE("the name of a VLAN has a link and a number") {
    CHECK(vlan_of("eth0.50") == std::pair<std::string, std::uint16_t>("eth0", 50));
    CHECK(vlan_of("bond0.7.4094") == std::pair<std::string, std::uint16_t>("bond0.7", 4094));
    for (const char* none : {"eth0", "eth0.", ".5", "eth0.0", "eth0.4095", "eth0.70000", "eth0.5x", "eth0.-1", ""})
        CHECK_FALSE(vlan_of(none));
}

TEST_CASE("containers on one parent reach each other by macvlan links, and the parent's addresses stay its own") {
    NetlinkSocket host(NETLINK_ROUTE);
    lab::output_of({"ip", "link", "add", "sl0", "type", "veth", "peer", "name", "sl1"});
    for (const char* end : {"sl0", "sl1"}) lab::output_of({"ip", "link", "set", end, "up"});
    const auto link = [](const char* address, std::uint16_t mode) {
        return on("sl0", LinkKind::macvlan, mode, address);
    };
    CHECK(between(host, link("10.96.0.2/24", MACVLAN_MODE_BRIDGE), link("10.96.0.3/24", MACVLAN_MODE_BRIDGE),
                  "10.96.0.3") == "10.96.0.2");
    // Other addresses, and so other MACs: the kernel takes the links of before away in its own time.
    CHECK(between(host, link("10.96.0.4/24", MACVLAN_MODE_PRIVATE), link("10.96.0.5/24", MACVLAN_MODE_PRIVATE),
                  "10.96.0.5") != "10.96.0.4");
    CHECK_FALSE(provide_parent(host, {"sl0", "test/sl"}));
    lab::output_of({"ip", "link", "del", "sl0"});
    const UniqueFd ns = create_netns();
    CHECK_THROWS_WITH_AS(attach(host, ns.get(), {{link("10.96.0.2/24", MACVLAN_MODE_BRIDGE)}, {}, {}}),
                         doctest::Contains("interface sl0 does not exist"), Error);
}

TEST_CASE("a parent that nobody has is told in Docker's words") {
    NetlinkSocket host(NETLINK_ROUTE);
    CHECK_THROWS_WITH_AS(check_parent(host, {"nosuch", {}}), doctest::Contains("invalid subinterface vlan name nosuch"),
                         Error);
    CHECK_THROWS_WITH_AS(check_parent(host, {"nosuch.5", {}}),
                         doctest::Contains("failed to find master interface nosuch"), Error);
    CHECK_NOTHROW(check_parent(host, {"dv-none", {}, true}));
}

TEST_CASE("a dummy is made for a network without parent; containers on it have only each other") {
    NetlinkSocket host(NETLINK_ROUTE);
    // A parent is macvlan's or ipvlan's.
    for (const auto& [kind, mode] : {std::pair(LinkKind::macvlan, std::uint16_t(MACVLAN_MODE_BRIDGE)),
                                     std::pair(LinkKind::ipvlan, std::uint16_t(IPVLAN_MODE_L2))}) {
        const bool macvlan = kind == LinkKind::macvlan;
        const ParentSpec parent{macvlan ? "dv-0123456789aa" : "dv-0123456789ab", "test/alone", true, 0, links_group};
        if (!made(host, parent)) return;
        CHECK(find_link(host, parent.name)->alias == "davit test/alone");
        CHECK_FALSE(provide_parent(host, parent));
        CHECK(between(host, on(parent.name, kind, mode, "10.95.0.2/24"), on(parent.name, kind, mode, "10.95.0.3/24"),
                      "10.95.0.3") == "10.95.0.2");
        delete_group(host, links_group);
        CHECK_FALSE(find_link(host, parent.name));
    }
}

TEST_CASE("a VLAN of a link that is there is made, and goes with its group") {
    NetlinkSocket host(NETLINK_ROUTE);
    lab::output_of({"ip", "link", "add", "sl2", "type", "veth", "peer", "name", "sl3"});
    lab::output_of({"ip", "link", "set", "sl2", "up"});
    const ParentSpec parent{"sl2.50", "test/vlan", false, 0, links_group};
    if (made(host, parent)) {
        CHECK(find_link(host, "sl2.50")->kind == "vlan");
        delete_group(host, links_group);
        CHECK_FALSE(find_link(host, "sl2.50"));
    }
    lab::output_of({"ip", "link", "del", "sl2"});
}

TEST_CASE("a routed ipvlan has its way out on the link itself") {
    NetlinkSocket host(NETLINK_ROUTE);
    const ParentSpec parent{"dv-0123456789ac", "test/routed", true, 0, links_group};
    if (!made(host, parent)) return;
    const UniqueFd ns = create_netns();
    NetnsPlan plan{{on(parent.name, LinkKind::ipvlan, IPVLAN_MODE_L3, "10.94.0.2/24")}, {}, {}};
    plan.default_v4 = DefaultRoute{IpAddress::v4(0), "eth0"};
    attach(host, ns.get(), plan);
    const NetnsScope inside(ns.get());
    CHECK(lab::output_of({"ip", "route", "show", "default"}).find("default dev eth0 scope link") == 0);
    delete_group(host, links_group);
}
