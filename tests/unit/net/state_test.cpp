#include "net/state.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/error.hpp"
#include "net/firewall.hpp"
#include "net/host_table.hpp"
#include "net/netns.hpp"
#include "net/ports.hpp"
#include "net/vips.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::net;

namespace {

ProjectNetState shop() {
    ProjectNetState s;
    s.project = "shop";
    s.group = 0x40000001;
    s.networks = {
        {"shop_front", "dv-1", {Subnet::parse("172.20.0.0/20"), Subnet::parse("fd00:1::/64")}, false, false, true}};
    s.ports = {
        {"id", "shop-web-1", Proto::udp, IpAddress::parse("127.0.0.1"), 8080, 80, 1, IpAddress::parse("172.20.0.2")},
        {"id", "shop-web-1", Proto::tcp, std::nullopt, 9000, 9000, 10, IpAddress::parse("172.20.0.2")}};
    return s;
}

std::size_t elements(const HostNetworkState& s) {
    std::size_t n = 0;
    for (const auto& list : host_elements(s)) n += list.size();
    return n;
}

HostNetworkState with(std::initializer_list<ProjectNetState> projects) {
    HostNetworkState s;
    for (const auto& p : projects) s.projects[p.project] = p;
    return s;
}

} // namespace

TEST_CASE("a project's network state survives its file") { CHECK(decode_state(encode_state(shop()), "x") == shop()); }

namespace {
ServiceState web() {
    ServiceState s{"service/1", "shop_web", false, {}, {}, {}};
    s.networks = {{"shop_front", {"web"}, IpAddress::parse("172.20.0.9"), IpAddress::parse("fd00:1::9")}};
    s.ports = {{Proto::tcp, 30000, 80}};
    for (const char* last : {"2", "3"}) {
        const auto v4 = IpAddress::parse(std::string("172.20.0.") + last),
                   v6 = IpAddress::parse(std::string("fd00:1::") + last);
        s.backends.push_back({std::string("task") + last, {{"shop_front", v4, v6}}, v4, v6});
    }
    return s;
}
} // namespace

TEST_CASE("a service's state survives its file, also without addresses") {
    auto s = shop();
    s.services = {web(), {"service/2", "rr", true, {{"shop_front", {}, {}, {}}}, {}, {{"x", {}, {}, {}}}}};
    CHECK(decode_state(encode_state(s), "x") == s);
}

TEST_CASE("exchanging a service's container changes elements; another number of them its rules too") {
    auto s = shop();
    s.services = {web()};
    const auto one = with({s});
    auto exchanged = s;
    exchanged.services[0].backends[1].v4 = exchanged.services[0].backends[1].at[0].v4 = IpAddress::parse("172.20.0.7");
    const auto whats = [](const nft::Transaction& t) {
        std::vector<std::string> out;
        for (const auto& m : t.messages()) out.push_back(m.what);
        return out;
    };
    using List = std::vector<std::string>;
    CHECK(whats(render_change(one, with({exchanged}))) ==
          List{"removing from nftables set svc4_to_48", "removing from nftables set vip4_to_9",
               "adding to nftables set svc4_to_48", "adding to nftables set vip4_to_9"});
    auto fewer = s;
    fewer.services[0].backends.pop_back();
    fewer.services[0].networks[0].v6.reset();
    fewer.services[0].ports.clear();
    const auto less = with({fewer});
    auto none = fewer;
    none.services[0].backends.clear();
    CHECK(whats(render_change(less, with({none}))) == List{"removing from nftables set vip4_first"});
    CHECK(vips_of(none.services[0]) == VipTable{{IpAddress::parse("172.20.0.9"), {}}});
}

TEST_CASE("flows are looked for only where a service has lost a container") {
    const auto at = [](std::initializer_list<const char*> texts) {
        std::vector<IpAddress> out;
        for (const char* text : texts) out.push_back(IpAddress::parse(text));
        return out;
    };
    CHECK_FALSE(lost_any({}, at({"172.20.0.2"})));
    CHECK_FALSE(lost_any(at({"172.20.0.3", "172.20.0.2"}), at({"172.20.0.2", "172.20.0.3", "172.20.0.4"})));
    CHECK(lost_any(at({"172.20.0.2", "172.20.0.3"}), at({"172.20.0.3", "172.20.0.4"})));
    CHECK(lost_any(at({"172.20.0.2"}), {}));
}

TEST_CASE("a broken or newer state file is an error that names it") {
    CHECK_THROWS_WITH_AS(decode_state("{", "/run/x.json"), doctest::Contains("/run/x.json"), Error);
    CHECK_THROWS_WITH_AS(decode_state(R"({"format": 1})", "/run/x.json"), doctest::Contains("/run/x.json"), Error);
    CHECK_THROWS_WITH_AS(decode_state(R"({"format": 99})", "/run/x.json"), doctest::Contains("newer davit"), Error);
}

TEST_CASE("each project has a link group of its own, the same again") {
    HostNetworkState all;
    const auto one = choose_group(all, "shop");
    CHECK(one == choose_group(all, "shop"));
    CHECK((one >> 28) == 4);
    all.projects["other"] = {"other", one, {}, {}};
    CHECK(choose_group(all, "shop") != one);
    CHECK(choose_group(all, "other") == one);
    CHECK(choose_group({}, "shop", "/run/davit") == one);
    CHECK(choose_group({}, "shop", "/srv/other/run") != one); // a project of that name below another state root
}

TEST_CASE("a change touches only the elements that differ") {
    const auto one = with({shop()});
    CHECK(render_change(one, one).empty());
    auto changed = shop();
    changed.ports[0].container_ip = IpAddress::parse("172.20.0.3");
    const auto t = render_change(one, with({changed}));
    REQUIRE(t.size() == 2);
    CHECK(t.messages()[0].what == "removing from nftables set pub4h");
    CHECK(t.messages()[1].what == "adding to nftables set pub4h");
}

TEST_CASE("adding and removing a project are each other's reverse") {
    const auto none = HostNetworkState{}, one = with({shop()});
    CHECK(render_change(none, one).size() == render_change(one, none).size());
    CHECK(elements(none) == 0);
    CHECK(elements(one) == 8); // bridge, pair, two masquerades, two hairpins, a port, a range
}

TEST_CASE("ports of another family than the container's are left to the proxy") {
    auto p = shop();
    p.networks.clear();
    p.ports = {{"id", "c", Proto::tcp, IpAddress::parse("::1"), 80, 80, 1, IpAddress::parse("172.20.0.2")},
               {"id", "c", Proto::tcp, IpAddress::parse("::1"), 81, 80, 1, IpAddress::parse("fd00::2")}};
    CHECK(elements(with({p})) == 0);
    const auto v4 = IpAddress::parse("10.0.0.2"), v6 = IpAddress::parse("fd00::2");
    CHECK_FALSE(proxy_target(IpAddress(), v4, v6));
    CHECK(proxy_target(IpAddress(), {}, v6) == v6);
    CHECK(proxy_target(IpAddress::parse("::"), v4, {}) == v4);
    CHECK(proxy_target(IpAddress::parse("::"), v4, v6) == v6); // for ::1
    CHECK(proxy_target(IpAddress::parse("::1"), v4, v6) == v6);
    CHECK_FALSE(proxy_target(IpAddress::parse("2001:db8::1"), v4, v6));
}

TEST_CASE("a range with shifted ports becomes single elements") {
    auto p = shop();
    p.networks.clear();
    p.ports = {{"id", "c", Proto::tcp, std::nullopt, 9000, 8000, 10, IpAddress::parse("172.20.0.2")}};
    CHECK(elements(with({p})) == 10);
    p.ports[0].container_port = 9000;
    CHECK(elements(with({p})) == 1);
}

TEST_CASE("sysctl keys stay below net and keep dots in interface names") {
    CHECK(sysctl_path("net.ipv4.conf.eth0.log_martians") == "/proc/sys/net/ipv4/conf/eth0/log_martians");
    CHECK(sysctl_path("net/ipv4/conf/eth0.100/log_martians") == "/proc/sys/net/ipv4/conf/eth0.100/log_martians");
    CHECK(sysctl_path("net.ipv4.conf.eth0/100.log_martians") == "/proc/sys/net/ipv4/conf/eth0.100/log_martians");
    for (const char* bad :
         {"kernel.core_pattern", "net/../kernel/core_pattern", "net/./x", "net//x", "net/x/", "", "net"})
        CHECK_THROWS_AS(sysctl_path(bad), Error);
}

TEST_CASE("a project whose name begins with a dot is as any other") {
    test::TempDir dir;
    auto machine = shop();
    machine.project = ".machine";
    sys::make_dirs(dir / "net/projects");
    write_file_atomic(dir / "net/projects/.machine.json", encode_state(machine), 0600, false);
    CHECK(load_state(dir.path()).projects.contains(".machine"));
}
