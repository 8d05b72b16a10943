// Networks of the drivers macvlan and ipvlan: what their options say, and how a container is wired to them.
#include "base/error.hpp"
#include "network/drivers.hpp"
#include "network/subnets.hpp"
#include "supervisor/network/networks.hpp"

#include <doctest/doctest.h>
#include <linux/if_link.h>

using namespace davit;
using namespace davit::supervisor;

namespace {

NetworkRecord record(const std::string& driver, std::map<std::string, std::string> options,
                     const std::string& gateway = "") {
    NetworkRecord r;
    r.name = "lan";
    r.driver = driver;
    r.driver_opts = std::move(options);
    r.ipam = {{"10.9.0.0/24", "", gateway, {}}};
    complete(r, {}, "machine");
    return r;
}

struct On {
    Network network;
    EndpointRecord wish;
    explicit On(NetworkRecord r) : network(std::move(r)) { wish.network = network.name(); }
    Attachment attachment() const { return {&wish, &network, net::IpAddress::parse("10.9.0.5"), {}}; }
    Wiring wire() const {
        ContainerRecord c;
        c.id = std::string(64, 'c');
        c.name = "c";
        c.extra_hosts = {{"gw", {"host-gateway"}}};
        return supervisor::wire(c, {attachment()}, 1, {});
    }
};

} // namespace

TEST_CASE("driver options of macvlan and ipvlan") {
    CHECK(shared_network(record("macvlan", {{"parent", "eth0"}})).link.mode == MACVLAN_MODE_BRIDGE);
    CHECK(shared_network(record("macvlan", {{"macvlan_mode", "vepa"}})).link.mode == MACVLAN_MODE_VEPA);
    const SharedNetwork l3 = shared_network(record("ipvlan", {{"ipvlan_mode", "l3s"}, {"ipvlan_flag", "private"}}));
    CHECK(l3.link.kind == net::LinkKind::ipvlan);
    CHECK(l3.link.mode == IPVLAN_MODE_L3S);
    CHECK(l3.link.flags == IPVLAN_F_PRIVATE);
    CHECK(l3.routed);
    CHECK(shared_network(record("bridge", {{"parent", "eth0"}})).link.kind == net::LinkKind::veth);
    const auto refused = [](const char* driver, const char* key, const char* value, const char* why) {
        CHECK_THROWS_WITH_AS(record(driver, {{key, value}}), doctest::Contains(why), Error);
    };
    refused("macvlan", "macvlan_mode", "l2",
            "requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan driver default");
    refused("ipvlan", "ipvlan_mode", "bridge",
            "requested ipvlan mode 'bridge' is not valid, 'l2' mode is the ipvlan driver default");
    refused("ipvlan", "ipvlan_flag", "x",
            "requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan driver default");
    refused("ipvlan", "parent", "lo", "loopback interface is not a valid ipvlan parent link");
    NetworkRecord other;
    other.name = "x";
    other.driver = "weave";
    CHECK_THROWS_WITH_AS(complete(other, {}, ""), doctest::Contains("wants the driver weave"), Error);
}

TEST_CASE("a network without a parent has one of its own; a parent that is named is nobody's to remove") {
    CHECK(record("macvlan", {}).bridge.starts_with("dv-"));
    CHECK(record("macvlan", {{"parent", "eth0"}}).bridge.empty());
    NetworkRecord vlan = record("ipvlan", {{"parent", "eth0.5"}});
    vlan.bridge = "eth0.5"; // made by davit
    complete(vlan, {}, "machine");
    CHECK(vlan.bridge == "eth0.5");
}

TEST_CASE("a VLAN goes with the last network on it that davit made it for; one that was there stays") {
    NetworkRecord first = record("macvlan", {{"parent", "eth0.5"}}), second = first;
    second.name = "other";
    CHECK(own_parent(first, {second}, true).empty());
    CHECK(own_parent(first, {second}, false) == "eth0.5");
    first.bridge = "eth0.5";
    CHECK(own_parent(second, {first, second}, true) == "eth0.5");
    CHECK(is_own_of({second, first}, "eth0.5"));
    CHECK_FALSE(is_own_of({second}, "eth0.5"));
    CHECK(Network(first).parent(7).group == 0);
    CHECK(Network(record("macvlan", {})).parent(7).group == 7);
}

TEST_CASE("who has a parent for itself") {
    const auto check = [](const NetworkRecord& mine, NetworkRecord other) {
        other.name = "other";
        check_parent_use(mine, {mine, other});
    };
    const NetworkRecord macvlan = record("macvlan", {{"parent", "eth0"}}),
                        through = record("macvlan", {{"parent", "eth0"}, {"macvlan_mode", "passthru"}}),
                        ipvlan = record("ipvlan", {{"parent", "eth0"}}), alone = record("ipvlan", {});
    CHECK_NOTHROW(check(macvlan, macvlan));
    CHECK_NOTHROW(check(alone, alone));
    CHECK_THROWS_WITH_AS(check(macvlan, through),
                         doctest::Contains("is already using parent interface eth0 in mode passthru"), Error);
    CHECK_THROWS_WITH_AS(check(through, macvlan), doctest::Contains("cannot use mode passthru"), Error);
    CHECK_THROWS_WITH_AS(check(ipvlan, ipvlan),
                         doctest::Contains("network other is already using parent interface eth0"), Error);
}

TEST_CASE("the router of a shared link is the one that is named, or there is none") {
    const Wiring none = On(record("macvlan", {{"parent", "eth0"}})).wire();
    CHECK_FALSE(none.plan.default_v4);
    CHECK(none.endpoints[0].gateway.empty());
    CHECK(none.plan.endpoints[0].bridge == "eth0");
    CHECK(none.external);
    const Wiring named = On(record("macvlan", {{"parent", "eth0"}}, "10.9.0.254")).wire();
    REQUIRE(named.plan.default_v4);
    CHECK(named.plan.default_v4->gateway == net::IpAddress::parse("10.9.0.254"));
    CHECK(named.endpoints[0].gateway == "10.9.0.254");
    // The host does not answer there.
    CHECK(named.hosts.find("172.17.0.1\tgw") != std::string::npos);
    CHECK_FALSE(On(record("macvlan", {}, "10.9.0.254")).wire().plan.default_v4);
    CHECK_FALSE(On(record("macvlan", {})).wire().external);
}

TEST_CASE("everything is on the link of a routed ipvlan, which has its parent's MAC") {
    const Wiring w = On(record("ipvlan", {{"parent", "eth0"}, {"ipvlan_mode", "l3"}})).wire();
    REQUIRE(w.plan.default_v4);
    CHECK(w.plan.default_v4->gateway.is_unspecified());
    CHECK(w.endpoints[0].gateway.empty());
    CHECK(w.endpoints[0].mac.empty());
}

TEST_CASE("ports are published to bridges alone") {
    const On shared(record("macvlan", {{"parent", "eth0"}}, "10.9.0.1"));
    On bridged(record("bridge", {}, "10.9.0.1"));
    NetworkLease lease;
    lease.attachments = {shared.attachment()};
    CHECK(publishing(lease) == nullptr);
    lease.attachments.push_back(bridged.attachment());
    CHECK(publishing(lease) == &lease.attachments[1]);
}
