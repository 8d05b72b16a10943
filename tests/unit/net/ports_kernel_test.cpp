#include "lab.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "net/bridge.hpp"
#include "net/doctor.hpp"
#include "net/firewall.hpp"
#include "net/ports.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <unistd.h>

using namespace davit;
using namespace davit::net;

namespace {

PortRequest request(std::uint16_t first, std::uint16_t last = 0, Proto proto = Proto::tcp,
                    std::string_view host_ip = {}) {
    PortRequest r;
    r.proto = proto;
    r.host_first = first;
    r.host_last = last;
    if (!host_ip.empty()) r.host_ip = IpAddress::parse(host_ip);
    return r;
}

std::vector<std::string> kinds(const std::vector<Finding>& findings) {
    std::vector<std::string> names;
    for (const auto& f : findings) names.push_back(f.name);
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

TEST_CASE("a published port is reserved in both families until its sockets close") {
    const lab::TempDir run;
    {
        const auto r = reserve_port(request(8081), run.path());
        CHECK(r.port == 8081);
        REQUIRE(r.bound.size() == 2);
        CHECK(r.bound[0].host_ip.to_string() == "0.0.0.0");
        CHECK(r.bound[1].host_ip.to_string() == "::");
        CHECK_THROWS_AS(reserve_port(request(8081), run.path()), Error);
        CHECK_THROWS_AS(reserve_port(request(8081, 0, Proto::tcp, "127.0.0.1"), run.path()), Error);
        CHECK_NOTHROW(reserve_port(request(8081, 0, Proto::udp), run.path()));            // another protocol
        CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, r.bound[0].socket.get()) == "timeout"); // nothing gets in
        open_reservation(r.bound[0].socket.get());
        CHECK(lab::tcp_try(-1, "127.0.0.1", 8081, r.bound[0].socket.get()) == "127.0.0.1");
    }
    CHECK_NOTHROW(reserve_port(request(8081), run.path()));
}

TEST_CASE("a conflict names the process that holds the port") {
    const lab::TempDir run;
    const UniqueFd tcp = lab::tcp_listen(-1, "127.0.0.1", 8082);
    const UniqueFd udp = lab::udp_bind(-1, "0.0.0.0", 8082);
    const std::string me = "host_net (pid " + std::to_string(::getpid()) + ")";
    CHECK_THROWS_WITH_AS(reserve_port(request(8082), run.path()),
                         ("Bind for 0.0.0.0:8082/tcp failed: port is already allocated, by " + me).c_str(), Error);
    CHECK_THROWS_WITH_AS(reserve_port(request(8082, 0, Proto::udp), run.path()), doctest::Contains(me.c_str()), Error);
    CHECK_NOTHROW(reserve_port(request(8082, 0, Proto::tcp, "127.0.0.2"), run.path()));
    CHECK_THROWS_WITH_AS(reserve_port(request(8082, 0, Proto::tcp, "203.0.113.7"), run.path()),
                         doctest::Contains("is not an address of this machine"), Error);
}

TEST_CASE("a conflict names the container of another project, even of one whose supervisor is gone") {
    const lab::TempDir run;
    NetlinkSocket netfilter(NETLINK_NETFILTER);
    ProjectNetState shop{
        "shop", 0x40000005, {}, {{"id", "shop-web-1", Proto::tcp, {}, 8083, 80, 1, IpAddress::parse("10.0.0.2")}}};
    commit(MachineLock::acquire(run.path()), netfilter, shop);
    CHECK_THROWS_WITH_AS(reserve_port(request(8083), run.path(), "blog"),
                         doctest::Contains("by container shop-web-1 of project shop"), Error);
    CHECK_NOTHROW(reserve_port(request(8083), run.path(), "shop"));
    const auto held = reserve_port(request(8083), run.path(), "shop");
    CHECK_THROWS_WITH_AS(reserve_port(request(8083), run.path(), "blog"),
                         doctest::Contains("by container shop-web-1 of project shop"), Error);
    commit(MachineLock::acquire(run.path()), netfilter, {"shop", 0, {}, {}});
}

TEST_CASE("a range gives the first free port, and says when it is used up") {
    const lab::TempDir run;
    const auto one = reserve_port(request(21391, 21393), run.path());
    const auto two = reserve_port(request(21391, 21393), run.path());
    const auto three = reserve_port(request(21391, 21393), run.path());
    CHECK(one.port == 21391);
    CHECK(two.port == 21392);
    CHECK(three.port == 21393);
    CHECK_THROWS_WITH_AS(reserve_port(request(21391, 21393), run.path()),
                         doctest::Contains("no port is free in 21391-21393/tcp"), Error);
}

TEST_CASE("an ephemeral port lies in the machine's range, the same in both families") {
    const lab::TempDir run;
    set_sysctl("net.ipv4.ip_local_port_range", "40000 40100");
    const auto r = reserve_port(request(0), run.path());
    CHECK(r.port >= 40000);
    CHECK(r.port <= 40100);
    CHECK(r.bound.size() == 2);
    CHECK(reserve_port(request(0), run.path()).port != r.port);
    set_sysctl("net.ipv4.ip_local_port_range", "32768 60999");
}

TEST_CASE("several ports are reserved together or not at all") {
    const lab::TempDir run;
    const auto held = reserve_port(request(8092), run.path());
    CHECK_THROWS_AS(reserve_ports({request(8091), request(8092)}, run.path()), Error);
    CHECK(reserve_ports({request(8091), request(8093)}, run.path()).size() == 2);
}

TEST_CASE("a conflict inside a service names both lines, and one inside a project the container") {
    const lab::TempDir run;
    PortRequest one = request(8094), two = request(8094, 0, Proto::tcp, "127.0.0.1");
    one.line = "8094:80";
    two.line = "127.0.0.1:8094:81";
    CHECK_THROWS_WITH_AS(reserve_ports({one, two}, run.path(), "shop"),
                         "Bind for 127.0.0.1:8094/tcp failed: port is already allocated, by another line of the same "
                         "service: \"8094:80\" and \"127.0.0.1:8094:81\"",
                         Error);
    const auto held = reserve_ports({one}, run.path(), "shop");
    const PortForward own{"id", "shop-web-1", Proto::tcp, {},
                          8094, 80,           1,          IpAddress::parse("10.0.0.2")}; // not written down yet
    CHECK_THROWS_WITH_AS(
        reserve_ports({request(8094)}, run.path(), "shop", {own}),
        "Bind for 0.0.0.0:8094/tcp failed: port is already allocated, by container shop-web-1 of the same project",
        Error);
    CHECK_NOTHROW(reserve_ports({request(8094, 0, Proto::udp), request(8095)}, run.path(), "shop", {own}));
}

TEST_CASE("davit's marks are found in the kernel and every leak can be repaired") {
    const lab::TempDir run;
    NetlinkSocket host(NETLINK_ROUTE), netfilter(NETLINK_NETFILTER);
    set_sysctl("net/ipv4/ip_forward", "0");
    CHECK(inventory(run.path()).empty());
    BridgeSpec b;
    b.name = bridge_name("shop", "front");
    b.owner = "shop/front";
    b.group = 0x40000007;
    b.addresses = {InterfaceAddress::parse("172.30.1.1/24")};
    create_bridge(host, b);
    const UniqueFd ns =
        lab::container(host, b.name, {InterfaceAddress::parse("172.30.1.11/24")}, IpAddress::parse("172.30.1.1"));
    commit(MachineLock::acquire(run.path()), netfilter,
           {"shop", b.group, {{"shop_front", b.name, {Subnet::parse("172.30.1.0/24")}, false, true, true}}, {}});
    lab::output_of({"ip", "link", "add", "br0", "type", "bridge"}); // somebody else's

    const auto all = inventory(run.path());
    CHECK(all.size() == 5);                              // bridge, veth, table, file, sysctl
    CHECK(find_leaks(run.path(), {"shop"}).size() == 1); // the veth is of another group than the project's
    const auto leaks = find_leaks(run.path(), {});
    CHECK(kinds(leaks) == kinds(all));
    for (const auto& f : leaks) CHECK(f.text.size() > 10);
    const auto lock = MachineLock::acquire(run.path());
    for (const auto& f : leaks) repair(lock, f);
    CHECK(inventory(run.path()).empty());
    CHECK(get_sysctl("net/ipv4/ip_forward") == "0");
    CHECK(find_link(host, "br0"));
    lab::output_of({"ip", "link", "delete", "br0"});
}
