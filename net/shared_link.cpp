#include "net/shared_link.hpp"

#include "base/error.hpp"
#include "net/bridge.hpp"
#include "net/link_messages.hpp"

#include <cerrno>
#include <charconv>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace davit::net {

namespace {

constexpr std::uint16_t last_vlan = 4094;

// The link that is named, or the one whose VLAN is.
int index_of_master(NetlinkSocket& host, const ParentSpec& spec) {
    const auto vlan = vlan_of(spec.name);
    if (!vlan)
        throw error(Errc::not_found, "invalid subinterface vlan name {}, example formatting is eth0.10", spec.name)
            .with_hint("there is no interface " + spec.name + " on this machine; 'ip link' lists them");
    const auto master = find_link(host, vlan->first);
    if (!master)
        throw error(Errc::not_found, "failed to find master interface {} on the Docker host: Link not found",
                    vlan->first);
    return master->index;
}

Message parent_message(NetlinkSocket& host, const ParentSpec& spec) {
    Message m = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    m.what = fmt::format("creating {} {}", spec.dummy ? "dummy interface" : "VLAN interface", spec.name);
    m.put_string(IFLA_IFNAME, spec.name).put_u32(IFLA_GROUP, spec.group);
    if (spec.mtu) m.put_u32(IFLA_MTU, spec.mtu);
    if (!spec.dummy) m.put_u32(IFLA_LINK, static_cast<std::uint32_t>(index_of_master(host, spec)));
    {
        const auto info = m.nest(IFLA_LINKINFO);
        m.put_string(IFLA_INFO_KIND, spec.dummy ? "dummy" : "vlan");
        const auto data = m.nest(IFLA_INFO_DATA);
        if (!spec.dummy) m.put_u16(IFLA_VLAN_ID, vlan_of(spec.name)->second);
    }
    return m;
}

} // namespace

std::optional<std::pair<std::string, std::uint16_t>> vlan_of(const std::string& name) {
    const auto dot = name.rfind('.');
    if (dot == std::string::npos || dot == 0) return std::nullopt;
    std::uint16_t id = 0;
    const char *from = name.data() + dot + 1, *end = name.data() + name.size();
    const auto [rest, ec] = std::from_chars(from, end, id);
    if (ec != std::errc() || rest != end || from == end || id == 0 || id > last_vlan) return std::nullopt;
    return std::pair(name.substr(0, dot), id);
}

void check_parent(NetlinkSocket& host, const ParentSpec& spec) {
    if (!spec.dummy && !find_link(host, spec.name)) index_of_master(host, spec);
}

bool provide_parent(NetlinkSocket& host, const ParentSpec& spec) {
    if (find_link(host, spec.name)) return false;
    const int failed = host.request_allowing(parent_message(host, spec), {EOPNOTSUPP, EEXIST});
    if (failed == EEXIST) return false;
    if (failed == EOPNOTSUPP && spec.dummy)
        throw error(Errc::unsupported, "this kernel has no dummy interfaces, which a network without a parent needs")
            .with_hint("name an interface: -o parent=eth0 (driver_opts: parent)");
    if (failed == EOPNOTSUPP)
        throw error(Errc::unsupported, "this kernel has no VLAN interfaces: {} cannot be made", spec.name)
            .with_hint("modprobe 8021q");
    const auto made = find_link(host, spec.name);
    if (!made) throw error(Errc::failed, "interface {} vanished while it was set up", spec.name);
    std::vector<Message> messages;
    messages.push_back(link_message(RTM_SETLINK, 0, made->index));
    messages.back().what = "setting up " + spec.name;
    messages.back().put_string(IFLA_IFALIAS, link_alias(spec.owner));
    messages.push_back(link_up_message(made->index, spec.name));
    host.request_all(std::move(messages));
    return true;
}

Message shared_link_message(const SharedLink& link, int parent_index, const std::string& ifname, int netns_fd) {
    const bool macvlan = link.kind == LinkKind::macvlan;
    Message m = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    m.put_string(IFLA_IFNAME, ifname).put_u32(IFLA_LINK, static_cast<std::uint32_t>(parent_index));
    m.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(netns_fd));
    {
        const auto info = m.nest(IFLA_LINKINFO);
        m.put_string(IFLA_INFO_KIND, macvlan ? "macvlan" : "ipvlan");
        const auto data = m.nest(IFLA_INFO_DATA);
        if (macvlan) m.put_u32(IFLA_MACVLAN_MODE, link.mode);
        else m.put_u16(IFLA_IPVLAN_MODE, link.mode).put_u16(IFLA_IPVLAN_FLAGS, link.flags);
    }
    return m;
}

} // namespace davit::net
