#include "net/link_messages.hpp"

#include "base/error.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

namespace davit::net {

Message link_message(int type, int flags, int index) {
    ifinfomsg info{};
    info.ifi_family = AF_UNSPEC;
    info.ifi_index = index;
    return Message(type, flags, info);
}

Message link_up_message(int index, const std::string& name) {
    ifinfomsg info{};
    info.ifi_index = index;
    info.ifi_flags = info.ifi_change = IFF_UP;
    Message m(RTM_SETLINK, 0, info);
    m.what = "bringing up " + name;
    return m;
}

Message address_message(int type, int index, const InterfaceAddress& address) {
    ifaddrmsg header{};
    const IpAddress& a = address.address;
    header.ifa_family = a.is_v6() ? AF_INET6 : AF_INET;
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
    header.ifa_index = static_cast<unsigned>(index);
    if (a.is_v6()) header.ifa_flags = IFA_F_NODAD;
    if (a.is_link_local()) header.ifa_scope = RT_SCOPE_LINK;
    Message m(type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0, header);
    m.what = fmt::format("{} address {}", type == RTM_NEWADDR ? "adding" : "removing", address.to_string());
    m.put(IFA_LOCAL, a.bytes()).put(IFA_ADDRESS, a.bytes());
    if (a.is_v4() && address.prefix < 31) m.put(IFA_BROADCAST, address.subnet().last().bytes());
    return m;
}

Message default_route_message(const IpAddress& gateway, int index) {
    rtmsg header{};
    header.rtm_family = gateway.is_v6() ? AF_INET6 : AF_INET;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_BOOT;
    header.rtm_scope = gateway.is_unspecified() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    Message m(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header);
    m.what = fmt::format("adding the default route by {}", gateway.to_string());
    if (!gateway.is_unspecified()) m.put(RTA_GATEWAY, gateway.bytes());
    m.put_u32(RTA_OIF, static_cast<std::uint32_t>(index));
    return m;
}

std::vector<InterfaceAddress> list_addresses(NetlinkSocket& socket, int index) {
    std::vector<InterfaceAddress> addresses;
    for (const auto& [link, address] : all_addresses(socket))
        if (link == index) addresses.push_back(address);
    return addresses;
}

std::vector<std::pair<int, InterfaceAddress>> all_addresses(NetlinkSocket& socket) {
    std::vector<std::pair<int, InterfaceAddress>> addresses;
    Message m(RTM_GETADDR, 0, ifaddrmsg{});
    m.what = "listing addresses";
    socket.dump(
        m,
        [&](const nlmsghdr* h) {
            const auto& header = header_of<ifaddrmsg>(h);
            const int index = static_cast<int>(header.ifa_index);
            const Attributes a(h, sizeof header);
            // IFA_LOCAL is ours, IFA_ADDRESS the peer's on point-to-point links; IPv6 has only the latter.
            const auto bytes = a.has(IFA_LOCAL) ? a.find(IFA_LOCAL) : a.find(IFA_ADDRESS);
            const auto* raw = reinterpret_cast<const std::uint8_t*>(bytes.data());
            if (header.ifa_family == AF_INET && bytes.size() == 4)
                addresses.push_back({index, {IpAddress::v4_bytes(raw), header.ifa_prefixlen}});
            if (header.ifa_family == AF_INET6 && bytes.size() == 16)
                addresses.push_back({index, {IpAddress::v6_bytes(raw), header.ifa_prefixlen}});
        },
        [&] { addresses.clear(); });
    return addresses;
}

} // namespace davit::net
