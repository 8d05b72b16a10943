#include "net/files.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::net;

namespace {

std::string without_comments(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        if (text[at] != '#') out += text.substr(at, end - at + 1);
        at = end + 1;
    }
    return out;
}

const ResolvConf host{{"192.0.2.53", "192.0.2.54"}, {"lan"}, {"edns0"}};

} // namespace

TEST_CASE("resolv.conf of a plain service names the embedded server and ndots:0") {
    const auto r = resolv_conf_internal({{{"192.0.2.53"}, {}, {}}, {}, {}, {}});
    CHECK(without_comments(r.text) == "\nnameserver 127.0.0.11\noptions ndots:0\n\n");
    CHECK(r.text.find("# ExtServers: [host(192.0.2.53)]\n") != std::string::npos);
    CHECK(r.upstreams == std::vector<Upstream>{{IpAddress::parse("192.0.2.53"), 53, false}});
}

TEST_CASE("dns, dns_search and dns_opt replace the host's") {
    const auto r =
        resolv_conf_internal({host, {"10.123.0.53", "10.123.0.54"}, {"a.test", "b.test"}, {"ndots:2", "timeout:1"}});
    CHECK(without_comments(r.text) == "\nnameserver 127.0.0.11\nsearch a.test b.test\noptions ndots:2 timeout:1\n\n");
    CHECK(r.text.find("# ExtServers: [10.123.0.53 10.123.0.54]\n") != std::string::npos);
    CHECK(r.upstreams[1] == Upstream{IpAddress::parse("10.123.0.54"), 53, true});
}

TEST_CASE("ndots is added behind the options that were given, and a broken one goes away") {
    CHECK(resolv_conf_internal({host, {}, {}, {"attempts:1", "rotate"}})
              .text.find("options attempts:1 rotate ndots:0\n") != std::string::npos);
    CHECK(resolv_conf_internal({host, {}, {}, {"ndots:x"}}).text.find("options ndots:0\n") != std::string::npos);
    CHECK(resolv_conf_internal({host, {}, {"."}, {}}).text.find("search") ==
          resolv_conf_internal({host, {}, {"."}, {}}).text.find("search]"));
}

TEST_CASE("at most three servers are asked, and scoped link-local ones are left out") {
    const auto r =
        resolv_conf_internal({{{"fe80::1%eth0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, {}, {}}, {}, {}, {}});
    REQUIRE(r.upstreams.size() == 3);
    CHECK(r.upstreams[2].address.to_string() == "10.0.0.3");
}

TEST_CASE("without the embedded server loopback servers are useless inside") {
    const auto plain = resolv_conf_plain({{{"127.0.0.53"}, {"lan"}, {}}, {}, {}, {}}, false);
    CHECK(without_comments(plain.text) == "\nnameserver 8.8.8.8\nnameserver 8.8.4.4\nsearch lan\n\n");
    CHECK(resolv_conf_plain({{{"127.0.0.53"}, {}, {}}, {}, {}, {}}, true).text.find("nameserver 127.0.0.53\n") !=
          std::string::npos);
}

TEST_CASE("resolv.conf is read with comments, tabs and a last search line that wins") {
    const auto c = parse_resolv_conf(
        "# x\nnameserver\t10.0.0.1 # y\ndomain a\nsearch b c\noptions ndots:1\noptions rotate\nnameserver 10.0.0.2");
    CHECK(c == ResolvConf{{"10.0.0.1", "10.0.0.2"}, {"b", "c"}, {"ndots:1", "rotate"}});
    CHECK(parse_resolv_conf("") == ResolvConf{});
}

TEST_CASE("/etc/hosts has Docker's lines, the extra hosts, then the container itself") {
    HostsRequest r;
    r.hostname = "box2";
    r.domainname = "example.test";
    r.addresses = {IpAddress::parse("10.0.0.2"), IpAddress::parse("fd00::2")};
    r.extra_hosts = {{"one", "10.123.0.1"}, {"one", "10.123.0.3"}, {"hg", "host-gateway"}, {"six", "fd12:3::6"}};
    r.host_gateway = {IpAddress::parse("10.0.0.1")};
    CHECK(hosts_text(r) == "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n"
                           "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
                           "10.123.0.1\tone\n10.123.0.3\tone\n10.0.0.1\thg\nfd12:3::6\tsix\n"
                           "10.0.0.2\tbox2.example.test box2\nfd00::2\tbox2.example.test box2\n");
}

TEST_CASE("a dotted hostname is listed with its first label") {
    HostsRequest r;
    r.hostname = "a.example.test";
    r.addresses = {IpAddress::parse("10.0.0.2")};
    CHECK(hosts_text(r).ends_with("10.0.0.2\ta.example.test a\n"));
}

TEST_CASE("host-gateway without a gateway is an error that names the entry") {
    HostsRequest r;
    r.extra_hosts = {{"hg", "host-gateway"}};
    CHECK_THROWS_WITH_AS(hosts_text(r), doctest::Contains("'hg'"), Error);
}

TEST_CASE("in host mode the host's file is kept and extra hosts follow") {
    HostsRequest r;
    r.extra_hosts = {{"x", "10.0.0.1"}};
    CHECK(hosts_text_host_mode("127.0.0.1 localhost", r) == "127.0.0.1 localhost\n10.0.0.1\tx\n");
}
