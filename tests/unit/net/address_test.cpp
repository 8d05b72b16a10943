#include "net/address.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::net;

TEST_CASE("addresses of both families are read and written in their canonical form") {
    CHECK(IpAddress::parse("10.1.2.3").to_string() == "10.1.2.3");
    CHECK(IpAddress::parse("FD00:0::1").to_string() == "fd00::1");
    CHECK(IpAddress::parse("[::1]").is_loopback());
    CHECK_FALSE(IpAddress::try_parse("10.1.2"));
    CHECK_FALSE(IpAddress::try_parse("10.1.2.3 "));
    CHECK_FALSE(IpAddress::try_parse(""));
    CHECK_THROWS_AS(IpAddress::parse("x"), Error);
    CHECK(IpAddress::v4(0x0a010203) == IpAddress::parse("10.1.2.3"));
    CHECK(IpAddress::parse("10.1.2.3").to_v4() == 0x0a010203);
}

TEST_CASE("adding to an address carries over byte borders") {
    CHECK(IpAddress::parse("10.0.0.255").plus(1).to_string() == "10.0.1.0");
    CHECK(IpAddress::parse("10.0.0.0").plus(65536 + 2).to_string() == "10.1.0.2");
    CHECK(IpAddress::parse("255.255.255.255").plus(1).to_string() == "0.0.0.0");
    CHECK(IpAddress::parse("fd00::ffff").plus(1).to_string() == "fd00::1:0");
}

TEST_CASE("a subnet clears host bits and knows its ends") {
    const auto s = Subnet::parse("172.20.5.9/20");
    CHECK(s.to_string() == "172.20.0.0/20");
    CHECK(s.last().to_string() == "172.20.15.255");
    CHECK(Subnet::parse("fd00::5/64").last().to_string() == "fd00::ffff:ffff:ffff:ffff");
    CHECK(Subnet::parse("0.0.0.0/0").last().to_string() == "255.255.255.255");
    for (const char* bad : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129"})
        CHECK_FALSE(Subnet::try_parse(bad));
}

TEST_CASE("subnets overlap when one contains the other") {
    const auto wide = Subnet::parse("10.0.0.0/8"), narrow = Subnet::parse("10.9.0.0/16"),
               other = Subnet::parse("11.0.0.0/16");
    CHECK(wide.overlaps(narrow));
    CHECK(narrow.overlaps(wide));
    CHECK_FALSE(narrow.overlaps(other));
    CHECK_FALSE(wide.overlaps(Subnet::parse("::/0")));
    CHECK(wide.contains(IpAddress::parse("10.255.0.1")));
    CHECK_FALSE(wide.contains(IpAddress::parse("::10.1.1.1")));
}

TEST_CASE("a MAC follows from the IPv4 address") {
    CHECK(MacAddress::of(IpAddress::parse("172.17.0.2")).to_string() == "02:42:ac:11:00:02");
    CHECK(MacAddress::of(IpAddress::parse("fd00::2")) == MacAddress::of(IpAddress::parse("fd00::2")));
    CHECK(MacAddress::of(IpAddress::parse("fd00::2")) != MacAddress::of(IpAddress::parse("fd00::3")));
    CHECK(MacAddress::parse("02-42-AC-11-00-02").to_string() == "02:42:ac:11:00:02");
    CHECK_FALSE(MacAddress::try_parse("02:42:ac:11:00:0g"));
    CHECK_FALSE(MacAddress::try_parse("02:42:ac:11:00"));
}

TEST_CASE("an interface address keeps its host bits") {
    const auto a = InterfaceAddress::parse("10.1.2.3/24");
    CHECK(a.to_string() == "10.1.2.3/24");
    CHECK(a.subnet().to_string() == "10.1.2.0/24");
    CHECK_THROWS_AS(InterfaceAddress::parse("10.1.2.3"), Error);
}
