#include "net/taken.hpp"

#include "net/files.hpp"
#include "net/link_messages.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <map>
#include <net/if.h>
#include <optional>
#include <sys/socket.h>

namespace davit::net {

namespace {

// rtm_table has eight bits; the attribute holds the real one.
bool is_local_or_cast(const rtmsg& route) {
    return route.rtm_type == RTN_BROADCAST || route.rtm_type == RTN_MULTICAST || route.rtm_type == RTN_ANYCAST;
}

std::map<int, std::string> link_names(NetlinkSocket& host) {
    std::map<int, std::string> names;
    Message m = link_message(RTM_GETLINK, 0);
    m.what = "listing network interfaces";
    host.dump(
        m,
        [&](const nlmsghdr* h) {
            names[header_of<ifinfomsg>(h).ifi_index] = Attributes(h, sizeof(ifinfomsg)).text(IFLA_IFNAME);
        },
        [&] { names.clear(); });
    return names;
}

void add_routes(NetlinkSocket& host, const std::map<int, std::string>& names, const std::string& except,
                std::vector<Taken>& out) {
    const std::size_t start = out.size();
    Message m(RTM_GETROUTE, 0, rtmsg{});
    m.what = "listing routes";
    host.dump(
        m,
        [&](const nlmsghdr* h) {
            const auto& route = header_of<rtmsg>(h);
            const bool v6 = route.rtm_family == AF_INET6;
            if ((!v6 && route.rtm_family != AF_INET) || route.rtm_dst_len <= 1 || is_local_or_cast(route)) return;
            if (route.rtm_flags & RTM_F_CLONED) return; // a cached answer, not a route
            const Attributes a(h, sizeof route);
            const auto dst = a.find(RTA_DST);
            if (dst.size() != (v6 ? 16u : 4u)) return;
            const auto* raw = reinterpret_cast<const std::uint8_t*>(dst.data());
            const IpAddress address = v6 ? IpAddress::v6_bytes(raw) : IpAddress::v4_bytes(raw);
            if (address.is_link_local() || address.is_loopback() || (v6 && raw[0] == 0xff)) return;
            const auto link = names.find(static_cast<int>(a.u32(RTA_OIF)));
            const std::string name = link == names.end() ? "" : link->second;
            if (!except.empty() && name == except) return;
            out.push_back({Subnet(address, route.rtm_dst_len),
                           name.empty() ? "a route of this machine" : "the route by " + name});
        },
        [&] { out.resize(start); });
}

void add_addresses(NetlinkSocket& host, const std::map<int, std::string>& names, const std::string& except,
                   std::vector<Taken>& out) {
    for (const auto& [index, a] : all_addresses(host)) {
        const auto link = names.find(index);
        const std::string name = link == names.end() ? "a new interface" : link->second;
        if ((except.empty() || name != except) && !a.address.is_link_local() && !a.address.is_loopback())
            out.push_back({a.subnet(), "an address of " + name});
    }
}

} // namespace

std::vector<Taken> observe_taken(NetlinkSocket& host, const std::string& except_link) {
    std::vector<Taken> taken;
    const auto names = link_names(host);
    add_addresses(host, names, except_link, taken);
    add_routes(host, names, except_link, taken);
    for (const std::string& server : host_resolv_conf().nameservers)
        if (const auto a = IpAddress::try_parse(server); a && !a->is_loopback())
            taken.push_back({Subnet(*a, a->bits()), "the name server " + server});
    return taken;
}

} // namespace davit::net
