#include "net/ipam.hpp"

#include "davit/error.hpp"
#include "net/endpoint.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <set>

using namespace davit;
using namespace davit::net;

namespace {

SubnetConfig config(std::string_view subnet) { return {Subnet::parse(subnet), {}, {}, {}, true}; }
Taken taken(std::string_view subnet, std::string holder) { return {Subnet::parse(subnet), std::move(holder)}; }

} // namespace

TEST_CASE("the same key gets the same subnet, other keys others") {
    const auto pools = default_pools();
    const Subnet one = choose_subnet(pools, "shop/front", {});
    CHECK(choose_subnet(pools, "shop/front", {}) == one);
    CHECK(choose_subnet(pools, "shop/back", {}) != one);
    CHECK(one.prefix() == 20);
}

TEST_CASE("a taken subnet is passed over, and the one of the record is preferred") {
    const auto pools = default_pools();
    const Subnet one = choose_subnet(pools, "shop/front", {});
    const Subnet other = choose_subnet(pools, "shop/front", {{one, "x"}});
    CHECK_FALSE(other.overlaps(one));
    CHECK(choose_subnet(pools, "shop/front", {}, other) == other);
    CHECK(choose_subnet(pools, "shop/front", {{other, "y"}}, other) == one);
}

TEST_CASE("every subnet of the pools is given out before they are used up") {
    std::vector<Taken> holders;
    std::set<Subnet> seen;
    for (int i = 0; i < 4; ++i) {
        const Subnet s = choose_subnet({{Subnet::parse("10.9.0.0/22"), 24}}, "k" + std::to_string(i), holders);
        CHECK(seen.insert(s).second);
        holders.push_back({s, "network n" + std::to_string(i)});
    }
    CHECK_THROWS_WITH_AS(choose_subnet({{Subnet::parse("10.9.0.0/22"), 24}}, "k5", holders),
                         doctest::Contains("all 4 subnets"), Error);
}

TEST_CASE("a VPN's route keeps its whole block free") {
    const Subnet s = choose_subnet(default_pools(), "a/b", {taken("172.16.0.0/12", "the route by tun0")});
    CHECK(s.to_string().starts_with("192.168."));
    CHECK(s.prefix() == 20);
}

TEST_CASE(
    "every network has room for a whole bridge until the large blocks are used up, and then there are small ones") {
    const auto pools = default_pools();
    std::vector<Taken> holders;
    for (int i = 0; i < 256; ++i) {
        const Subnet s = choose_subnet(pools, "net" + std::to_string(i), holders);
        CHECK(s.prefix() == 20);
        for (const Taken& t : holders) CHECK_FALSE(t.subnet.overlaps(s));
        CHECK(s.to_string().starts_with("192.168.") == (i >= 240)); // what homes and offices use comes last
        holders.push_back({s, "network " + std::to_string(i)});
    }
    CHECK_THROWS_WITH_AS(choose_subnet(pools, "one more", holders), doctest::Contains("are taken"), Error);
    // A route through the middle of each: what is left of them is given out as /24.
    holders.clear();
    for (int second = 17; second <= 31; ++second)
        holders.push_back(taken("172." + std::to_string(second) + ".0.0/17", "the route by tun0"));
    for (int second = 17; second <= 31; ++second)
        for (int third = 128; third < 256; third += 16)
            holders.push_back(taken("172." + std::to_string(second) + '.' + std::to_string(third) + ".0/28", "x"));
    holders.push_back(taken("192.168.0.0/16", "the route by tun1"));
    const Subnet small = choose_subnet(pools, "net", holders);
    CHECK(small.prefix() == 24);
    for (const Taken& t : holders) CHECK_FALSE(t.subnet.overlaps(small));
}

TEST_CASE("a thousand containers fit on one network") {
    AddressPool pool(config("172.20.0.0/20"));
    std::set<IpAddress> seen;
    for (int i = 0; i < 1023; ++i)
        CHECK(seen.insert(pool.allocate("id" + std::to_string(i), "a/" + std::to_string(i))).second);
    CHECK(pool.kept().size() == 1023);
}

TEST_CASE("an overlap names the block and who holds it") {
    CHECK_NOTHROW(require_free(Subnet::parse("10.1.0.0/16"), {taken("10.2.0.0/16", "x")}));
    CHECK_THROWS_WITH_AS(
        require_free(Subnet::parse("10.1.0.0/16"),
                     {taken("10.1.2.0/24", "network front of project shop"), taken("10.0.0.0/8", "the route by tun0")}),
        "subnet 10.1.0.0/16 overlaps 10.0.0.0/8 (the route by tun0), 10.1.2.0/24 (network front of project shop)",
        Error);
}

TEST_CASE("ULA subnets stay in the machine's own prefix") {
    const Subnet a = choose_ula("machine", "p/n", {}), b = choose_ula("machine", "p/m", {});
    CHECK(a.prefix() == 64);
    CHECK(a.base().to_string().starts_with("fd"));
    CHECK(Subnet(a.base(), 48) == Subnet(b.base(), 48));
    CHECK(choose_ula("machine", "p/n", {{a, "x"}}) != a);
    CHECK(Subnet(choose_ula("other machine", "p/n", {}).base(), 48) != Subnet(a.base(), 48));
}

TEST_CASE("the gateway is the first address, the first container the second") {
    AddressPool pool(config("10.123.27.0/24"));
    CHECK(pool.gateway()->to_string() == "10.123.27.1");
    CHECK(pool.allocate("a").to_string() == "10.123.27.2");
    CHECK(pool.allocate("b").to_string() == "10.123.27.3");
}

TEST_CASE("an address is not reused while others were never used") {
    AddressPool pool(config("10.0.0.0/29"));
    const auto first = pool.allocate("a");
    pool.release(first);
    CHECK(pool.allocate("b").to_string() == "10.0.0.3");
    pool.allocate("c"), pool.allocate("d"), pool.allocate("e");
    CHECK(pool.allocate("f") == first);
    CHECK_THROWS_WITH_AS(pool.allocate("g"), doctest::Contains("no free address is left in 10.0.0.0/29"), Error);
    pool.release_owner("d");
    CHECK(pool.allocate("h").to_string() == "10.0.0.5");
}

TEST_CASE("an address belongs to its holder, whoever comes and goes in between") {
    AddressPool pool(config("10.0.0.0/24"));
    std::map<std::string, IpAddress> first;
    for (const char* holder : {"a/1", "b/1", "c/1"})
        first[holder] = pool.allocate(std::string("id of ") + holder, holder);
    CHECK(pool.take_change());
    for (int round = 0; round < 20; ++round) {
        // all are recreated at once, in another order each time, while a one-off runs
        for (const auto& [holder, address] : first) pool.release_owner("id of " + holder);
        const IpAddress oneoff = pool.allocate("oneoff");
        for (const auto& [holder, address] : first) CHECK(oneoff != address);
        std::vector<std::string> order{"a/1", "b/1", "c/1"};
        std::rotate(order.begin(), order.begin() + round % 3, order.end());
        for (const auto& holder : order) CHECK(pool.reuse("id of " + holder, holder) == first[holder]);
        pool.release_owner("oneoff");
    }
    CHECK_FALSE(pool.reuse("x", "d/1"));
    CHECK_FALSE(pool.reuse("x", ""));
    CHECK_FALSE(pool.reuse("x", "a/1")); // in use: scaled by hand, or two of the same place at a time
    CHECK_FALSE(pool.take_change());
}

TEST_CASE("a kept address is given to others only when nothing else is free, and those who keep elsewhere count too") {
    AddressPool pool(config("10.0.0.0/29")); // .2 to .6
    const IpAddress kept = pool.allocate("1", "a/1"), avoided = IpAddress::parse("10.0.0.3");
    pool.release_owner("1");
    for (int i = 0; i < 3; ++i) {
        const IpAddress other = pool.allocate("other" + std::to_string(i), "b/" + std::to_string(i), {avoided});
        CHECK(other != kept);
        CHECK(other != avoided);
    }
    CHECK(pool.allocate("guest", "", {avoided}) != IpAddress()); // one of the two now
    CHECK(pool.allocate("last", "c/1", {avoided}) != IpAddress());
    CHECK_THROWS_AS(pool.allocate("none", "d/1"), Error);
    pool.release_owner("last");
    pool.release_owner("guest");
    CHECK(pool.kept().at("c/1") != IpAddress());
    CHECK((!pool.kept().contains("a/1") || pool.kept().at("a/1") != pool.kept().at("c/1"))); // one address, one holder
}

TEST_CASE("an address in quarantine is given to nobody, its last holder and whoever asks for it by name included") {
    AddressPool pool(config("10.0.0.0/29")); // .2 to .6
    const IpAddress leaving = pool.allocate("1", "a/1");
    pool.quarantine(leaving);
    CHECK(pool.quarantined() == std::set<IpAddress>{leaving});
    CHECK_FALSE(pool.reuse("2", "a/1"));
    CHECK_THROWS_WITH_AS(pool.reserve(leaving, "2"), doctest::Contains("under way"), Error);
    for (int i = 0; i < 4; ++i) CHECK(pool.allocate("other" + std::to_string(i)) != leaving);
    CHECK_THROWS_AS(pool.allocate("last"), Error);
    pool.end_quarantine(leaving);
    CHECK(pool.reuse("2", "a/1") == leaving);
    pool.quarantine(IpAddress::parse("10.0.0.1")); // the gateway is not given out anyway
    pool.quarantine(IpAddress::parse("192.0.2.1"));
    CHECK(pool.quarantined().empty());
}

TEST_CASE("the address that the file names is its holder's, whoever kept it before") {
    AddressPool pool(config("10.0.0.0/24"));
    const IpAddress first = pool.allocate("1", "a/1");
    pool.release_owner("1");
    pool.keep(first, "b/1"); // b asks for it by name
    CHECK_FALSE(pool.reuse("1", "a/1"));
    CHECK(pool.allocate("1", "a/1") != first);
    CHECK_NOTHROW(pool.reserve(first, "2"));
    pool.keep(IpAddress::parse("10.0.0.1"), "c/1"); // the gateway, from a record of another subnet
    pool.keep(IpAddress::parse("192.0.2.1"), "c/1");
    CHECK_FALSE(pool.kept().contains("c/1"));
}

TEST_CASE("auxiliary and static addresses are not given out") {
    auto c = config("10.123.28.0/24");
    c.aux_addresses = {{"router", IpAddress::parse("10.123.28.2")}, {"x", IpAddress::parse("10.123.28.3")}};
    AddressPool pool(c);
    pool.reserve(IpAddress::parse("10.123.28.4"), "static");
    CHECK(pool.allocate("a").to_string() == "10.123.28.5");
    CHECK_THROWS_WITH_AS(pool.reserve(IpAddress::parse("10.123.28.2"), "a"),
                         doctest::Contains("auxiliary address 'router'"), Error);
}

TEST_CASE("ip_range restricts dynamic addresses and gives the gateway") {
    auto c = config("10.123.26.0/24");
    c.ip_range = Subnet::parse("10.123.26.128/25");
    AddressPool pool(c);
    CHECK(pool.gateway()->to_string() == "10.123.26.128");
    CHECK(pool.allocate("a").to_string() == "10.123.26.129");
    CHECK_NOTHROW(pool.reserve(IpAddress::parse("10.123.26.5"), "b"));
}

TEST_CASE("static addresses are refused in Docker's words") {
    AddressPool pool(config("10.123.30.0/24"));
    pool.reserve(IpAddress::parse("10.123.30.9"), "a");
    CHECK_NOTHROW(pool.reserve(IpAddress::parse("10.123.30.9"), "a"));
    CHECK_THROWS_WITH_AS(pool.reserve(IpAddress::parse("10.123.30.9"), "b"),
                         "Address already in use: 10.123.30.9 belongs to a", Error);
    CHECK_THROWS_WITH_AS(pool.reserve(IpAddress::parse("10.123.30.1"), "b"),
                         doctest::Contains("Address already in use"), Error);
    CHECK_THROWS_WITH_AS(pool.reserve(IpAddress::parse("10.123.250.77"), "b"),
                         "no configured subnet contains IP address 10.123.250.77", Error);
    CHECK_THROWS_AS(pool.reserve(IpAddress::parse("10.123.30.0"), "b"), Error);
    CHECK_THROWS_AS(pool.reserve(IpAddress::parse("10.123.30.255"), "b"), Error);
}

TEST_CASE("tiny and IPv6 subnets have their own edges") {
    auto p2p = config("10.0.0.0/31");
    CHECK(gateway_of(p2p)->to_string() == "10.0.0.0");
    CHECK(AddressPool(p2p).allocate("a").to_string() == "10.0.0.1");
    AddressPool six(config("fd00:7::/64"));
    CHECK(six.gateway()->to_string() == "fd00:7::1");
    CHECK(six.allocate("a").to_string() == "fd00:7::2");
    auto isolated = config("10.0.0.0/24");
    isolated.wants_gateway = false;
    CHECK_FALSE(gateway_of(isolated));
    CHECK(AddressPool(isolated).allocate("a").to_string() == "10.0.0.1");
}

TEST_CASE("a contradictory subnet configuration is refused") {
    auto c = config("10.0.0.0/24");
    c.gateway = IpAddress::parse("10.0.1.1");
    CHECK_THROWS_AS(validate(c), Error);
    c = config("10.0.0.0/24");
    c.ip_range = Subnet::parse("10.0.0.0/16");
    CHECK_THROWS_AS(validate(c), Error);
    c = config("10.0.0.0/24");
    c.aux_addresses = {{"a", IpAddress::parse("10.0.0.5")}, {"b", IpAddress::parse("10.0.0.5")}};
    CHECK_THROWS_AS(validate(c), Error);
}

TEST_CASE("the default route follows priority, internal, dual stack and name") {
    const auto gw = IpAddress::parse("10.0.0.1"), gw6 = IpAddress::parse("fd00::1");
    const std::vector<NetworkChoice> by_name{{"p_zz", 0, false, gw, {}}, {"p_aa", 0, false, gw, {}}};
    CHECK(*choose_gateways(by_name).v4 == 1);
    const std::vector<NetworkChoice> by_priority{{"p_zz", 10, false, gw, {}}, {"p_aa", 0, false, gw, {}}};
    CHECK(*choose_gateways(by_priority).v4 == 0);
    const std::vector<NetworkChoice> mixed{{"i", 0, true, gw, {}}, {"a", 0, false, gw, {}}, {"z", 0, false, gw, gw6}};
    CHECK(gateway_order(mixed) == std::vector<std::size_t>{2, 1, 0});
    const std::vector<NetworkChoice> split{{"six", 5, false, {}, gw6}, {"four", 0, false, gw, {}}};
    CHECK(*choose_gateways(split).v4 == 1);
    CHECK(*choose_gateways(split).v6 == 0);
    CHECK_FALSE(choose_gateways({{"i", 9, true, gw, {}}}).v4);
}

TEST_CASE("interfaces are numbered around the names that were asked for") {
    CHECK(assign_interface_names({"", "", ""}) == std::vector<std::string>{"eth0", "eth1", "eth2"});
    CHECK(assign_interface_names({"", "eth0", "up"}) == std::vector<std::string>{"eth1", "eth0", "up"});
    CHECK_THROWS_AS(assign_interface_names({"a", "a"}), Error);
    CHECK_THROWS_AS(assign_interface_names({"lo"}), Error);
}
