#include "net/endpoint.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "net/bridge.hpp"
#include "net/link_messages.hpp"
#include "net/netns.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <numeric>
#include <set>
#include <tuple>

namespace davit::net {

namespace {

// All that a veth uses. Left to itself the kernel makes one a CPU and takes all but one away again,
// which costs an expedited RCU grace period for each end.
void one_queue(Message& m) { m.put_u32(IFLA_NUM_TX_QUEUES, 1).put_u32(IFLA_NUM_RX_QUEUES, 1); }

void put_mac(Message& m, const EndpointSpec& e) {
    if (const auto mac = e.mac                 ? e.mac
                         : e.addresses.empty() ? std::nullopt
                                               : std::optional(MacAddress::of(e.addresses.front().address)))
        m.put(IFLA_ADDRESS, mac->bytes.data(), mac->bytes.size());
}

// Both ends with one message: the peer is born in the container's namespace under its final name.
Message veth_message(const EndpointSpec& e, int bridge_index, int netns_fd) {
    Message m = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    m.what = fmt::format("connecting {} to bridge {}", e.ifname, e.bridge);
    m.put_string(IFLA_IFNAME, e.host_ifname).put_u32(IFLA_GROUP, e.group);
    m.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(bridge_index));
    if (e.mtu) m.put_u32(IFLA_MTU, e.mtu);
    one_queue(m);
    const auto info = m.nest(IFLA_LINKINFO);
    m.put_string(IFLA_INFO_KIND, "veth");
    const auto data = m.nest(IFLA_INFO_DATA);
    const auto peer = m.nest(VETH_INFO_PEER);
    const ifinfomsg header{};
    m.put_raw(&header, sizeof header);
    m.put_string(IFLA_IFNAME, e.ifname).put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns_fd));
    if (e.mtu) m.put_u32(IFLA_MTU, e.mtu);
    one_queue(m);
    put_mac(m, e);
    return m;
}

Message shared_message(const EndpointSpec& e, int parent_index, int netns_fd) {
    Message m = shared_link_message(e.link, parent_index, e.ifname, netns_fd);
    m.what = fmt::format("connecting {} to {}", e.ifname, e.bridge);
    if (e.mtu) m.put_u32(IFLA_MTU, e.mtu);
    if (e.link.has_own_mac()) put_mac(m, e);
    return m;
}

// Hairpin on every port: with bridge-nf-call-iptables=1 a container that reaches itself by a published
// port is bridged back out of its own port.
Message port_message(const EndpointSpec& e, bool isolate) {
    ifinfomsg header{};
    header.ifi_flags = header.ifi_change = IFF_UP;
    Message m(RTM_NEWLINK, 0, header);
    m.what = fmt::format("bringing up the bridge port of {}", e.ifname);
    m.put_string(IFLA_IFNAME, e.host_ifname);
    const auto info = m.nest(IFLA_LINKINFO);
    m.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = m.nest(IFLA_INFO_SLAVE_DATA);
    m.put_u8(IFLA_BRPORT_MODE, 1);
    m.put_u8(IFLA_BRPORT_ISOLATED, isolate ? 1 : 0);
    return m;
}

// The address autoconfiguration of IPv6 floods the bridge: set-up would become quadratic.
void quiet_ipv6(const std::string& ifname, bool ipv6) {
    const auto key = [&](std::string_view name) { return fmt::format("net/ipv6/conf/{}/{}", ifname, name); };
    if (!ipv6) return set_sysctl_if_exists(key("disable_ipv6"), "1"); // the kernel may have no IPv6
    set_sysctl(key("disable_ipv6"), "0");
    set_sysctl(key("accept_dad"), "0");
    set_sysctl(key("accept_ra"), "0");
    set_sysctl(key("autoconf"), "0");
}

void apply_sysctls(const EndpointSpec& e) {
    for (const auto& [key, value] : e.sysctls) {
        std::string real = key;
        if (const auto at = real.find("IFNAME"); at != std::string::npos) real.replace(at, 6, e.ifname);
        set_sysctl(real, value);
    }
}

// Port isolation would also stop published ports between neighbours when bridged packets pass
// iptables (the packet is turned round inside the bridge); then the host table does the work alone.
bool isolation_works() { return get_sysctl("net/bridge/bridge-nf-call-iptables") != "1"; }

// A bridge has 1,024 port numbers, and the first is never used (BR_MAX_PORTS).
Error bridge_full(const Error& e, const NetnsPlan& plan) {
    std::string which = plan.endpoints.front().bridge;
    for (const EndpointSpec& s : plan.endpoints)
        if (std::string_view(e.what()).find(s.bridge) != std::string_view::npos)
            which = s.network.empty() ? "bridge " + s.bridge : "network " + s.network;
    return error(Errc::conflict, "{} is full: 1023 containers are on it, as many as a bridge of the kernel has ports",
                 which)
        .with_hint("spread the containers over several networks; one that must reach all of them joins each");
}

bool is_shared(const EndpointSpec& e) { return e.link.is_shared(); }

Error not_to_be_shared(const Error& e, const NetnsPlan& plan) {
    if (std::none_of(plan.endpoints.begin(), plan.endpoints.end(), is_shared)) return e;
    Error out = e;
    return out.with_hint(
        e.os().value() == EBUSY
            ? "an interface is the port of a bridge, or the parent of macvlan or of ipvlan links: one of them"
            : "this kernel has no such links: modprobe macvlan, modprobe ipvlan");
}

void create_links(NetlinkSocket& host, int netns_fd, const NetnsPlan& plan) {
    const bool isolate =
        std::any_of(plan.endpoints.begin(), plan.endpoints.end(), [](const auto& e) { return !e.icc; }) &&
        isolation_works();
    std::vector<Message> create, raise;
    for (const EndpointSpec& e : plan.endpoints) {
        const int bridge = host.link_index(e.bridge);
        if (!bridge)
            throw error(Errc::not_found, "{} {} does not exist", is_shared(e) ? "interface" : "bridge", e.bridge);
        if (is_shared(e)) {
            create.push_back(shared_message(e, bridge, netns_fd));
            continue;
        }
        create.push_back(veth_message(e, bridge, netns_fd));
        raise.push_back(port_message(e, isolate && !e.icc));
    }
    try {
        host.request_all(std::move(create));
    } catch (const Error& e) {
        if (e.os().value() == EXFULL) throw bridge_full(e, plan);
        if (e.os().value() == EBUSY || e.os().value() == EOPNOTSUPP) throw not_to_be_shared(e, plan);
        throw;
    }
    for (const EndpointSpec& e : plan.endpoints)
        if (!is_shared(e)) quiet_ipv6(e.host_ifname, false);
    host.request_all(std::move(raise));
}

void configure_inside(int netns_fd, const NetnsPlan& plan) {
    NetnsScope scope(netns_fd);
    NetlinkSocket inside(NETLINK_ROUTE);
    std::vector<Message> messages;
    const auto index_of = [&](const std::string& ifname) {
        const int index = inside.link_index(ifname);
        if (!index) throw error(Errc::failed, "interface {} is not in its namespace", ifname);
        return index;
    };
    for (const EndpointSpec& e : plan.endpoints) {
        const int index = index_of(e.ifname);
        quiet_ipv6(e.ifname, e.ipv6);
        apply_sysctls(e);
        for (const InterfaceAddress& a : e.addresses) {
            messages.push_back(address_message(RTM_NEWADDR, index, a));
            messages.back().what += " to " + e.ifname;
        }
        messages.push_back(link_up_message(index, e.ifname));
    }
    for (const auto& route : {plan.default_v4, plan.default_v6})
        if (route) messages.push_back(default_route_message(route->gateway, index_of(route->ifname)));
    inside.request_all(std::move(messages));
    for (const EndpointSpec& e : plan.endpoints) find_link(inside, e.ifname); // see attach()
}

} // namespace

std::string new_veth_name() { return std::string(veth_prefix) + sys::random_hex(12); }

void attach(NetlinkSocket& host, int netns_fd, const NetnsPlan& plan) {
    create_links(host, netns_fd, plan);
    configure_inside(netns_fd, plan);
    // Carrier comes by a work queue: until it has run, what a container sends first is lost, and its first
    // connection waits a second. Asking for a link makes the kernel catch up (Linux 6.8).
    for (const EndpointSpec& e : plan.endpoints) {
        if (!is_shared(e)) find_link(host, e.host_ifname);
        find_link(host, e.bridge);
    }
}

void detach(NetlinkSocket& host, const std::string& host_ifname) { remove_bridge(host, host_ifname); }

void unplug(int netns_fd, const std::string& ifname) {
    NetnsScope scope(netns_fd);
    NetlinkSocket inside(NETLINK_ROUTE);
    remove_bridge(inside, ifname);
}

void plug(NetlinkSocket& host, int netns_fd, const EndpointSpec& endpoint) {
    unplug(netns_fd, endpoint.ifname);
    try {
        attach(host, netns_fd, {{endpoint}, {}, {}});
    } catch (...) {
        try {
            unplug(netns_fd, endpoint.ifname);
        } catch (const Error&) {} // the first failure is the one to tell
        throw;
    }
}

void set_default_routes(int netns_fd, const std::optional<DefaultRoute>& v4, const std::optional<DefaultRoute>& v6) {
    NetnsScope scope(netns_fd);
    NetlinkSocket inside(NETLINK_ROUTE);
    std::vector<Message> messages;
    for (const auto& route : {v4, v6}) {
        if (!route) continue;
        const int index = inside.link_index(route->ifname);
        if (!index) throw error(Errc::failed, "interface {} is not in its namespace", route->ifname);
        messages.push_back(default_route_message(route->gateway, index));
    }
    inside.request_all(std::move(messages));
}

std::vector<std::size_t> gateway_order(const std::vector<NetworkChoice>& networks) {
    std::vector<std::size_t> order(networks.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto rank = [&](std::size_t i) {
        const NetworkChoice& n = networks[i];
        const bool dual = n.gateway_v4 && n.gateway_v6;
        return std::make_tuple(-static_cast<long>(n.gw_priority), n.internal, !dual, std::string_view(n.network));
    };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    return order;
}

GatewayChoice choose_gateways(const std::vector<NetworkChoice>& networks) {
    GatewayChoice choice;
    for (const std::size_t i : gateway_order(networks)) {
        if (networks[i].internal) continue;
        if (!choice.v4 && networks[i].gateway_v4) choice.v4 = i;
        if (!choice.v6 && networks[i].gateway_v6) choice.v6 = i;
    }
    return choice;
}

std::vector<std::string> assign_interface_names(const std::vector<std::string>& requested, std::string_view prefix) {
    std::set<std::string> taken{"lo"};
    for (const std::string& name : requested)
        if (!name.empty() && !taken.insert(name).second)
            throw error(Errc::conflict, "two networks ask for the interface name '{}'", name);
    std::vector<std::string> names;
    for (const std::string& name : requested) {
        if (!name.empty()) {
            names.push_back(name);
            continue;
        }
        unsigned n = 0;
        while (!taken.insert(fmt::format("{}{}", prefix, n)).second) ++n;
        names.push_back(fmt::format("{}{}", prefix, n));
    }
    return names;
}

} // namespace davit::net
