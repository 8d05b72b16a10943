#include "supervisor/network/network.hpp"

#include "base/error.hpp"
#include "network/options.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;

namespace {

NetworkRecord record(const std::string& name = "shop_front") {
    NetworkRecord r;
    r.name = name;
    r.project = "shop";
    return r;
}

} // namespace

TEST_CASE("a network without wishes gets a subnet, its first address as gateway, and a bridge") {
    NetworkRecord r = record();
    complete(r, {}, "machine");
    auto subnet = net::Subnet::parse(r.subnet4);
    CHECK(net::IpAddress::parse(r.gateway4) == subnet.base().plus(1));
    CHECK(r.subnet6.empty());
    CHECK(r.bridge.starts_with("dv-"));
    CHECK(r.bridge.size() == 15);
    NetworkRecord again = record();
    complete(again, {}, "machine");
    CHECK(again.subnet4 == r.subnet4);
    NetworkRecord other = record();
    complete(other, {{subnet, "route via tun0"}}, "machine");
    CHECK_FALSE(net::Subnet::parse(other.subnet4).overlaps(subnet));
}

TEST_CASE("a written subnet is used as written, and refused where it overlaps") {
    NetworkRecord r = record();
    r.ipam = {{"10.9.0.0/16", "10.9.8.0/24", "10.9.8.254", {{"router", "10.9.8.1"}}}};
    complete(r, {}, "machine");
    CHECK(r.subnet4 == "10.9.0.0/16");
    CHECK(r.gateway4 == "10.9.8.254");
    Network n(r);
    REQUIRE(n.pool(false));
    for (const char* owner : {"a", "b", "c"}) {
        auto given = n.pool(false)->allocate(owner);
        CHECK(net::Subnet::parse("10.9.8.0/24").contains(given));
        CHECK(given.to_string() != "10.9.8.1"); // the router's
    }
    NetworkRecord clash = record();
    clash.ipam = r.ipam;
    try {
        complete(clash, {{net::Subnet::parse("10.9.1.0/24"), "network blog_default"}}, "machine");
        FAIL("accepted");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::conflict);
        CHECK(std::string(e.what()).find("network blog_default") != std::string::npos);
    }
}

TEST_CASE("IPv6 is given when it is asked for, by flag or by subnet") {
    NetworkRecord flag = record();
    flag.enable_ipv6 = true;
    complete(flag, {}, "machine");
    CHECK(flag.subnet6.starts_with("fd"));
    NetworkRecord subnet = record();
    subnet.ipam = {{"fd12:3::/64", "", "", {}}};
    complete(subnet, {}, "machine");
    CHECK(subnet.subnet6 == "fd12:3::/64");
    CHECK_FALSE(subnet.subnet4.empty());
    CHECK(Network(subnet).bridge(7).ipv6);
}

TEST_CASE("a network can do without IPv4") {
    NetworkRecord r = record();
    r.enable_ipv4 = false;
    r.enable_ipv6 = true;
    complete(r, {}, "machine");
    CHECK(r.subnet4.empty());
    CHECK(r.subnet6.starts_with("fd"));
    CHECK(Network(r).bridge(7).addresses.size() == 1);
}

TEST_CASE("driver options shape the bridge and the host's rules") {
    NetworkRecord r = record();
    r.internal = true;
    r.driver_opts = {{"com.docker.network.bridge.name", "br-mine"},
                     {"com.docker.network.driver.mtu", "1400"},
                     {"com.docker.network.bridge.enable_icc", "false"},
                     {"com.docker.network.bridge.enable_ip_masquerade", "false"}};
    complete(r, {}, "machine");
    Network n(r);
    CHECK(n.bridge(9).name == "br-mine");
    CHECK(n.bridge(9).mtu == 1400);
    CHECK(n.bridge(9).group == 9);
    CHECK(n.bridge(9).addresses.size() == 1);
    CHECK_FALSE(n.state().icc);
    CHECK_FALSE(n.state().masquerade);
    CHECK(n.state().internal);
}

TEST_CASE("an isolated network has a bridge without address") {
    NetworkRecord r = record();
    r.internal = true;
    r.driver_opts = {{"com.docker.network.bridge.gateway_mode_ipv4", "isolated"}};
    complete(r, {}, "machine");
    Network n(r);
    CHECK(n.bridge(1).addresses.empty());
    CHECK_FALSE(n.gateway(false));
}

TEST_CASE("what is no option, no driver or no bridge name is refused") {
    NetworkRecord mtu = record();
    mtu.driver_opts = {{"com.docker.network.driver.mtu", "big"}};
    CHECK_THROWS_AS(complete(mtu, {}, ""), Error);
    NetworkRecord icc = record();
    icc.driver_opts = {{"com.docker.network.bridge.enable_icc", "maybe"}};
    CHECK_THROWS_AS(complete(icc, {}, ""), Error);
    NetworkRecord driver = record();
    driver.driver = "weave";
    CHECK_THROWS_AS(complete(driver, {}, ""), Error);
    NetworkRecord name = record();
    name.driver_opts = {{"com.docker.network.bridge.name", "a-bridge-name-that-is-long"}};
    CHECK_THROWS_AS(complete(name, {}, ""), Error);
    NetworkRecord two = record();
    two.ipam = {{"10.1.0.0/24", "", "", {}}, {"10.2.0.0/24", "", "", {}}};
    CHECK_THROWS_AS(complete(two, {}, ""), Error);
}

TEST_CASE("options of a network that is to be made are refused in docker's words") {
    const std::string bridge = "com.docker.network.bridge.";
    const struct {
        std::string key, value, message;
    } rows[] = {
        {"com.docker.network.driver.mtu", "-1", "invalid MTU number: -1"},
        {"com.docker.network.driver.mtu", "100000", "invalid argument"},
        {bridge + "name", "x/y", "invalid argument"},
        {bridge + "name", "averyveryverylongname", "numerical result out of range"},
        {bridge + "enable_icc", "x",
         "failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: parsing \"x\": invalid "
         "syntax)"},
        {bridge + "inhibit_ipv4", "x",
         "failed to parse com.docker.network.bridge.inhibit_ipv4 value: x (strconv.ParseBool: parsing \"x\": invalid "
         "syntax)"},
        {bridge + "host_binding_ipv4", "x",
         "failed to parse com.docker.network.bridge.host_binding_ipv4 value: x (nil ip)"},
        {bridge + "gateway_mode_ipv4", "x",
         "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: x (unknown gateway mode x)"},
        {bridge + "gateway_mode_ipv4", "isolated", "gateway mode 'isolated' can only be used for an internal network"},
    };
    for (const auto& row : rows) {
        NetworkRecord r = record();
        r.driver_opts = {{row.key, row.value}};
        CHECK_THROWS_WITH(check_network_options(r), row.message.c_str());
    }
    NetworkRecord right = record();
    right.driver_opts = {{bridge + "enable_icc", "T"}, {bridge + "gateway_mode_ipv6", "routed"}};
    check_network_options(right);
}
