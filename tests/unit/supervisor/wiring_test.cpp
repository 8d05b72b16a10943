#include "supervisor/network/wiring.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;

namespace {

Network network(const std::string& name, const std::string& subnet, const std::string& gateway, bool internal = false) {
    NetworkRecord r;
    r.name = name;
    r.project = "shop";
    r.bridge = "dv-" + name;
    r.internal = internal;
    r.subnet4 = subnet;
    r.gateway4 = gateway;
    return Network(r);
}

ContainerRecord web() {
    ContainerRecord r;
    r.id = std::string(64, 'c');
    r.name = "shop-web-1";
    r.service = "web";
    EndpointRecord front, back;
    front.network = "shop_front";
    front.aliases = {"web", "www"};
    back.network = "shop_back";
    back.aliases = {"web"};
    back.links = {{"database", {"shop-db-1"}}};
    r.endpoints = {front, back};
    return r;
}

struct Wired {
    ContainerRecord record;
    Network front = network("shop_front", "10.1.0.0/24", "10.1.0.1");
    Network back = network("shop_back", "10.2.0.0/24", "10.2.0.1", true);
    net::ResolvConf host{{"192.0.2.53"}, {"example.org"}, {}};

    explicit Wired(ContainerRecord r = web()) : record(std::move(r)) {}
    Wiring operator()() {
        wishes = connect_order(record);
        std::vector<Attachment> attachments;
        for (const auto& wish : wishes) {
            bool is_front = wish.network == "shop_front";
            attachments.push_back(
                {&wish, is_front ? &front : &back, net::IpAddress::parse(is_front ? "10.1.0.5" : "10.2.0.6"), {}});
        }
        return wire(record, attachments, 42, host);
    }
    std::vector<EndpointRecord> wishes;
};

} // namespace

TEST_CASE("interfaces come in connect order with addresses, bridge and group") {
    Wiring w = Wired()();
    REQUIRE(w.plan.endpoints.size() == 2);
    CHECK(w.plan.endpoints[0].ifname == "eth0");
    CHECK(w.plan.endpoints[0].bridge == "dv-shop_front");
    CHECK(w.plan.endpoints[0].addresses.at(0).to_string() == "10.1.0.5/24");
    CHECK(w.plan.endpoints[0].group == 42);
    CHECK(w.plan.endpoints[1].ifname == "eth1");
    CHECK(w.plan.endpoints[0].host_ifname != w.plan.endpoints[1].host_ifname);
    CHECK(w.endpoints[1].network == "shop_back");
    CHECK(w.endpoints[1].ipv4 == "10.2.0.6");
    CHECK(w.endpoints[0].mac == net::MacAddress::of(net::IpAddress::parse("10.1.0.5")).to_string());
}

TEST_CASE("a higher priority is connected first and an internal network carries no default route") {
    ContainerRecord r = web();
    r.endpoints[1].priority = 10;
    Wired wired(r);
    Wiring w = wired();
    CHECK(w.plan.endpoints[0].bridge == "dv-shop_back");
    REQUIRE(w.plan.default_v4);
    CHECK(w.plan.default_v4->gateway.to_string() == "10.1.0.1");
    CHECK(w.plan.default_v4->ifname == "eth1");
    CHECK(w.external);
}

TEST_CASE("names are Docker's, links are the container's own") {
    Wiring w = Wired()();
    REQUIRE(w.names.size() == 2);
    CHECK(w.names[0].names == std::vector<std::string>{"shop-web-1", "web", "www", "cccccccccccc"});
    CHECK(w.client.networks == std::vector<std::string>{"shop_front", "shop_back"});
    CHECK(w.client.links == std::vector<std::pair<std::string, std::string>>{{"database", "shop-db-1"}});
    CHECK(w.upstreams.at(0).address.to_string() == "192.0.2.53");
}

TEST_CASE("the files name the container, its addresses and the embedded server") {
    ContainerRecord r = web();
    r.extra_hosts = {{"gw", "host-gateway"}};
    Wired wired(r);
    Wiring w = wired();
    CHECK(w.hostname == "cccccccccccc\n");
    CHECK(w.hosts.find("10.1.0.5\tcccccccccccc") != std::string::npos);
    CHECK(w.hosts.find("10.2.0.6\tcccccccccccc") != std::string::npos);
    CHECK(w.hosts.find("10.1.0.1\tgw") != std::string::npos);
    CHECK(w.resolv_conf.find("nameserver 127.0.0.11") != std::string::npos);
}

TEST_CASE("host-gateway resolves on every kind of network, to where the host answers") {
    ContainerRecord r = web();
    r.extra_hosts = {{"gw", "host-gateway"}};
    r.endpoints.erase(r.endpoints.begin()); // internal only: no route leads out, the host is at the gateway
    CHECK(Wired(r)().hosts.find("10.2.0.1\tgw") != std::string::npos);
    net::ResolvConf resolv;
    r.endpoints.clear();
    r.network_mode = "host";
    CHECK(wire_without_network(r, resolv, "", "me").hosts.find("127.0.0.1\tgw") != std::string::npos);
    // Nothing leads to the host: Docker's address, and a connection fails at once.
    r.network_mode = "none";
    CHECK(wire_without_network(r, resolv, "", "me").hosts.find("172.17.0.1\tgw") != std::string::npos);
    r = web();
    r.extra_hosts = {{"gw", "host-gateway"}};
    r.endpoints.resize(1);
    NetworkRecord isolated;
    isolated.name = "shop_front";
    isolated.subnet4 = "10.3.0.0/24";
    isolated.driver_opts = {{"com.docker.network.bridge.gateway_mode_ipv4", "isolated"}};
    Wired apart(r);
    apart.front = Network(isolated);
    CHECK(apart().hosts.find("172.17.0.1\tgw") != std::string::npos);
}

TEST_CASE("endpoint sysctls and addresses that the user wrote are passed on") {
    ContainerRecord r = web();
    r.endpoints.resize(1);
    r.endpoints[0].mac_address = "02:12:03:00:00:07";
    r.endpoints[0].interface_name = "lan0";
    r.endpoints[0].link_local_ips = {"169.254.7.7"};
    r.endpoints[0].driver_opts = {{"com.docker.network.endpoint.sysctls",
                                   "net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.forwarding=0"}};
    Wired wired(r);
    net::EndpointSpec e = wired().plan.endpoints.at(0);
    CHECK(e.ifname == "lan0");
    CHECK(e.mac->to_string() == "02:12:03:00:00:07");
    CHECK(e.addresses.at(1).address.to_string() == "169.254.7.7");
    CHECK(e.sysctls == std::vector<std::pair<std::string, std::string>>{{"net.ipv4.conf.IFNAME.log_martians", "1"},
                                                                        {"net.ipv4.conf.IFNAME.forwarding", "0"}});
}

TEST_CASE("an interface's name may come as an option of the endpoint; interface_name comes first") {
    ContainerRecord r = web();
    r.endpoints.resize(1);
    r.endpoints[0].driver_opts = {{"com.docker.network.endpoint.ifname", "lan1"}};
    CHECK(Wired(r)().plan.endpoints.at(0).ifname == "lan1");
    r.endpoints[0].interface_name = "lan0";
    CHECK(Wired(r)().plan.endpoints.at(0).ifname == "lan0");
}

TEST_CASE("without network of its own a container gets the host's view or none") {
    ContainerRecord r = web();
    r.endpoints.clear();
    r.network_mode = "host";
    net::ResolvConf host{{"127.0.0.53"}, {}, {}};
    Wiring h = wire_without_network(r, host, "192.0.2.1 me\n", "the-host");
    CHECK(h.hostname == "the-host\n");
    CHECK(h.hosts.find("192.0.2.1 me") != std::string::npos);
    CHECK(h.resolv_conf.find("127.0.0.53") != std::string::npos);
    r.network_mode = "none";
    Wiring n = wire_without_network(r, host, "192.0.2.1 me\n", "the-host");
    CHECK(n.hostname == "cccccccccccc\n");
    CHECK(n.hosts.find("192.0.2.1") == std::string::npos);
}

// ---- a network more, or less, while it runs

namespace {

struct Live {
    Network front = network("shop_front", "10.1.0.0/24", "10.1.0.1");
    Network proxy = network("a_proxy", "10.3.0.0/24", "10.3.0.1");
    EndpointRecord to_front, to_proxy;
    std::vector<EndpointStatus> there;

    Live() {
        to_front.network = "shop_front";
        to_proxy.network = "a_proxy";
        there = {{"shop_front", "eth0", "10.1.0.5", "", "", "10.1.0.1"}};
    }
    std::vector<Attachment> both() const {
        return {{&to_front, &front, net::IpAddress::parse("10.1.0.5"), {}},
                {&to_proxy, &proxy, net::IpAddress::parse("10.3.0.2"), {}}};
    }
};

} // namespace

TEST_CASE("a new interface gets the first name that is free, and leaves the others theirs") {
    Live l;
    CHECK(wire_one(l.both(), "a_proxy", l.there, 42).status.interface == "eth1");
    l.there[0].interface = "eth1";
    const Plugging one = wire_one(l.both(), "a_proxy", l.there, 42);
    CHECK(one.endpoint.ifname == "eth0");
    CHECK(one.endpoint.bridge == "dv-a_proxy");
    CHECK(one.endpoint.group == 42);
    CHECK(one.status.network == "a_proxy");
    CHECK(one.status.ipv4 == "10.3.0.2");
    CHECK(one.status.gateway == "10.3.0.1");
    l.to_proxy.interface_name = "eth1";
    CHECK_THROWS_AS(wire_one(l.both(), "a_proxy", l.there, 42), Error);
    CHECK_THROWS_AS(wire_one({}, "a_proxy", l.there, 42), Error);
}

TEST_CASE("the way out is the network's that comes first, by the interface that it has") {
    Live l;
    CHECK(!routes_of(l.both(), l.there).first); // a_proxy would be it, and is not there yet
    l.there.push_back({"a_proxy", "eth1", "10.3.0.2", "", "", "10.3.0.1"});
    const auto [v4, v6] = routes_of(l.both(), l.there);
    REQUIRE(v4);
    CHECK(v4->ifname == "eth1");
    CHECK(v4->gateway.to_string() == "10.3.0.1");
    CHECK(!v6);
    l.to_front.gw_priority = 1;
    CHECK(routes_of(l.both(), l.there).first->ifname == "eth0");
}

TEST_CASE("a file changes by the lines that davit wrote, and keeps what others wrote") {
    const std::string before = "127.0.0.1\tlocalhost\n10.1.0.5\tweb\n", after = before + "10.3.0.2\tweb\n";
    CHECK(changed_lines(before, before, after) == after);
    CHECK(changed_lines(before + "10.9.9.9\tmine\n", before, after) == before + "10.9.9.9\tmine\n10.3.0.2\tweb\n");
    CHECK(changed_lines(after + "10.9.9.9\tmine\n", after, before) == before + "10.9.9.9\tmine\n");
    CHECK(changed_lines("", before, before).empty());
}

TEST_CASE("nobody has a name on the default bridge, and who has left a network with names still asks davit") {
    ContainerRecord r = web();
    r.endpoints.resize(1);
    r.endpoints[0].network = "bridge";
    NetworkRecord n;
    n.name = n.bridge = "bridge";
    n.subnet4 = "172.17.0.0/16";
    n.gateway4 = "172.17.0.1";
    n.driver_opts["com.docker.network.bridge.default_bridge"] = "true";
    const Network bridge(n);
    const std::vector<Attachment> attachments{{&r.endpoints[0], &bridge, net::IpAddress::parse("172.17.0.2"), {}}};
    const net::ResolvConf host{{"192.0.2.53"}, {}, {}};
    const Wiring plain = wire(r, attachments, 42, host);
    CHECK(!plain.dns);
    CHECK(plain.client.networks.empty());
    const Wiring after = wire(r, attachments, 42, host, true);
    CHECK(after.dns);
    CHECK(after.resolv_conf.find("127.0.0.11") != std::string::npos);
}
