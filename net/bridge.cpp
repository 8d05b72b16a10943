#include "net/bridge.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"
#include "net/link_messages.hpp"
#include "net/netns.hpp"
#include "net/state_files.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

namespace davit::net {

namespace {

constexpr std::string_view alias_prefix = "davit ";
constexpr std::size_t longest_alias = 254; // IFALIASZ (linux/if.h) bytes with its NUL are too many for dev_set_alias()

bool is_hex_name(std::string_view name, std::string_view prefix) {
    return name.size() == prefix.size() + 12 && name.starts_with(prefix) &&
           name.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

LinkInfo parse_link(const nlmsghdr* h) {
    const auto& info = header_of<ifinfomsg>(h);
    const Attributes a(h, sizeof info);
    LinkInfo link;
    link.index = info.ifi_index;
    link.up = (info.ifi_flags & IFF_UP) != 0;
    link.name = a.text(IFLA_IFNAME);
    link.alias = a.text(IFLA_IFALIAS);
    link.group = a.u32(IFLA_GROUP);
    link.master = static_cast<int>(a.u32(IFLA_MASTER));
    link.mtu = a.u32(IFLA_MTU);
    link.kind = a.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND);
    return link;
}

void check_name(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == ".." ||
        name.find_first_of("/: \t\n") != std::string::npos)
        throw error(Errc::usage, "'{}' is not an interface name: 1 to 15 characters, no slash, colon or blank", name);
}

// True if it was made now; throws if the name belongs to somebody else.
bool make_link(NetlinkSocket& host, const BridgeSpec& spec) {
    Message m = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    m.what = fmt::format("creating bridge {}", spec.name);
    m.put_string(IFLA_IFNAME, spec.name).put_u32(IFLA_GROUP, spec.group).put_u32(IFLA_MTU, spec.mtu ? spec.mtu : 1500);
    // A bridge without an address of its own takes the lowest of its ports: neighbours would go stale.
    if (!spec.addresses.empty()) {
        const MacAddress mac = MacAddress::of(spec.addresses.front().address);
        m.put(IFLA_ADDRESS, mac.bytes.data(), mac.bytes.size());
    }
    {
        const auto info = m.nest(IFLA_LINKINFO);
        m.put_string(IFLA_INFO_KIND, "bridge");
    }
    if (host.request_allowing(std::move(m), {EEXIST}) == 0) return true;
    const auto existing = find_link(host, spec.name);
    const bool ours = existing && existing->kind == "bridge" &&
                      (existing->alias == link_alias(spec.owner) ||
                       (existing->alias.empty() && is_hex_name(spec.name, bridge_prefix)));
    if (!ours && existing && existing->alias.starts_with(alias_prefix))
        throw error(Errc::conflict, "bridge {} is of the network {} already", spec.name,
                    existing->alias.substr(alias_prefix.size()))
            .with_hint("choose another name with the driver option com.docker.network.bridge.name");
    if (!ours)
        throw error(Errc::conflict, "interface {} exists already and is not a bridge of davit", spec.name)
            .with_hint("choose another name with the driver option com.docker.network.bridge.name");
    return false;
}

void set_bridge_sysctls(const BridgeSpec& spec) {
    const auto set = [&](std::string_view family, std::string_view key, std::string_view value) {
        set_sysctl(fmt::format("net/{}/conf/{}/{}", family, spec.name, key), value);
    };
    set("ipv4", "route_localnet", "1");
    if (get_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", spec.name)).empty()) return; // a kernel without IPv6
    if (!spec.ipv6) return set("ipv6", "disable_ipv6", "1");
    set("ipv6", "disable_ipv6", "0");
    set("ipv6", "accept_ra", "0");
    set("ipv6", "accept_dad", "0");
}

void remove_stale_addresses(NetlinkSocket& host, int index, const std::vector<InterfaceAddress>& wanted) {
    std::vector<Message> deletions;
    for (const InterfaceAddress& a : list_addresses(host, index))
        if (!a.address.is_link_local() && std::find(wanted.begin(), wanted.end(), a) == wanted.end())
            deletions.push_back(address_message(RTM_DELADDR, index, a));
    host.request_all(std::move(deletions));
}

} // namespace

std::string link_alias(std::string_view owner) {
    std::string out = std::string(alias_prefix).append(owner);
    if (out.size() <= longest_alias) return out;
    const std::string digest = "~" + sha256_hex(out).substr(0, 16);
    return out.substr(0, longest_alias - digest.size()) + digest;
}

std::string bridge_name(std::string_view project, std::string_view network, std::string_view run_dir) {
    const std::string key = fmt::format("{}\n{}{}", project, network, root_suffix(run_dir));
    return std::string(bridge_prefix) + sha256_hex(key).substr(0, 12);
}

void create_bridge(NetlinkSocket& host, const BridgeSpec& spec) {
    check_name(spec.name);
    const bool made = make_link(host, spec);
    const auto link = find_link(host, spec.name);
    if (!link) throw error(Errc::failed, "bridge {} vanished while it was set up", spec.name);
    set_bridge_sysctls(spec);
    if (!made) remove_stale_addresses(host, link->index, spec.addresses);

    std::vector<Message> messages;
    Message shape = link_message(RTM_SETLINK, 0, link->index);
    shape.what = fmt::format("setting up bridge {}", spec.name);
    shape.put_string(IFLA_IFALIAS, link_alias(spec.owner)).put_u32(IFLA_GROUP, spec.group);
    if (!made) shape.put_u32(IFLA_MTU, spec.mtu ? spec.mtu : 1500);
    messages.push_back(std::move(shape));
    for (const InterfaceAddress& a : spec.addresses) {
        messages.push_back(address_message(RTM_NEWADDR, link->index, a));
        messages.back().what = fmt::format("adding gateway {} to bridge {}", a.to_string(), spec.name);
    }
    messages.push_back(link_up_message(link->index, spec.name));
    host.request_all(std::move(messages));
}

void remove_bridge(NetlinkSocket& host, const std::string& name) {
    Message m = link_message(RTM_DELLINK, 0);
    m.what = fmt::format("removing bridge {}", name);
    m.put_string(IFLA_IFNAME, name);
    host.request_allowing(std::move(m), {ENODEV});
}

void delete_group(NetlinkSocket& host, std::uint32_t group) {
    if (group == 0) throw error(Errc::usage, "link group 0 holds the machine's own interfaces and is never deleted");
    Message m = link_message(RTM_DELLINK, 0);
    m.what = fmt::format("deleting the links of group {:#x}", group);
    m.put_u32(IFLA_GROUP, group);
    host.request_allowing(std::move(m), {ENODEV});
}

std::vector<LinkInfo> list_links(NetlinkSocket& host) {
    std::vector<LinkInfo> links;
    Message m = link_message(RTM_GETLINK, 0);
    m.what = "listing network interfaces";
    host.dump(
        m, [&](const nlmsghdr* h) { links.push_back(parse_link(h)); }, [&] { links.clear(); });
    return links;
}

std::optional<LinkInfo> find_link(NetlinkSocket& host, const std::string& name) {
    std::optional<LinkInfo> link;
    Message m = link_message(RTM_GETLINK, 0);
    m.what = fmt::format("looking up interface {}", name);
    m.put_string(IFLA_IFNAME, name).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    host.query(std::move(m), [&](const nlmsghdr* h) { link = parse_link(h); }, {ENODEV});
    return link;
}

std::vector<LinkInfo> list_davit_links(NetlinkSocket& host) {
    std::vector<LinkInfo> links = list_links(host);
    std::erase_if(links, [](const LinkInfo& l) {
        return !is_hex_name(l.name, bridge_prefix) && !is_hex_name(l.name, veth_prefix) &&
               !l.alias.starts_with(alias_prefix);
    });
    return links;
}

} // namespace davit::net
