#include "net/host_table.hpp"

#include "net/firewall.hpp"
#include "net/vips.hpp"

#include <algorithm>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

namespace davit::net {

using nft::Element;
using nft::Expressions;
using nft::Family;
using nft::Fields;
using nft::SetSpec;
using nft::Type;

namespace {

constexpr std::uint32_t ct_invalid = 1, ct_established = 2, ct_related = 4;
constexpr std::uint32_t ct_dst_nat = 0x20; // IPS_DST_NAT
constexpr std::uint32_t offset_saddr4 = 12, offset_daddr4 = 16, offset_saddr6 = 8, offset_daddr6 = 24, offset_dport = 2;

// Names of the sets, as indices into host_sets().
enum Set : std::size_t {
    bridges,
    internal,
    same_bridge,
    masq4,
    masq6,
    hairpin4,
    hairpin6,
    pub4h,
    pub4,
    pub4r,
    pub6h,
    pub6,
    pub6r,
    vips4,
    vips6,
    closed,
    // behind them: the sets of balances
};

std::string name_of(Set s) { return host_sets()[s].name; }

Fields address_field(const IpAddress& a) { return Fields().raw(a.bytes()); }

// --- elements -----------------------------------------------------------------------------------------

using Elements = std::vector<std::vector<Element>>;

void add_network(Elements& out, const NetworkState& n) {
    const std::string name = Fields().ifname(n.bridge).bytes();
    out[bridges].push_back({name, {}, {}, 0, {}});
    if (n.internal) out[internal].push_back({name, {}, {}, 0, {}});
    const std::string pair = Fields().ifname(n.bridge).ifname(n.bridge).bytes();
    if (n.icc) out[same_bridge].push_back({pair, {}, {}, NF_ACCEPT, {}});
    else out[same_bridge].push_back({pair, {}, {}, NFT_GOTO, "no_icc"});
    for (const Subnet& s : n.subnets) {
        const std::string first = address_field(s.base()).bytes(), last = address_field(s.last()).bytes();
        if (n.masquerade && !n.internal)
            out[s.is_v6() ? masq6 : masq4].push_back({first, address_field(s.last().plus(1)).bytes(), {}, 0, {}});
        out[s.is_v6() ? hairpin6 : hairpin4].push_back({first + first, last + last, {}, 0, {}});
    }
}

void add_port(Elements& out, const PortForward& p) {
    const bool v6 = p.container_ip.is_v6();
    // The other family is the proxy's: there is no address translation between families.
    if (p.host_ip && p.host_ip->is_v6() != v6) return;
    // ::1 never leaves lo, whatever is translated; that is the proxy's too.
    if (p.host_ip && v6 && p.host_ip->is_loopback()) return;
    const auto proto = static_cast<std::uint8_t>(p.proto);
    if (!p.host_ip && p.count > 1 && p.host_port == p.container_port) {
        const auto last = static_cast<std::uint16_t>(p.host_port + p.count - 1);
        out[v6 ? pub6r : pub4r].push_back({Fields().proto(proto).port(p.host_port).bytes(),
                                           Fields().proto(proto).port(last).bytes(),
                                           address_field(p.container_ip).bytes(),
                                           0,
                                           {}});
        return;
    }
    for (std::uint16_t i = 0; i < p.count; ++i) {
        const auto host_port = static_cast<std::uint16_t>(p.host_port + i),
                   port = static_cast<std::uint16_t>(p.container_port + i);
        const std::string target = address_field(p.container_ip).port(port).bytes();
        if (p.host_ip)
            out[v6 ? pub6h : pub4h].push_back(
                {address_field(*p.host_ip).proto(proto).port(host_port).bytes(), {}, target, 0, {}});
        else out[v6 ? pub6 : pub4].push_back({Fields().proto(proto).port(host_port).bytes(), {}, target, 0, {}});
    }
}

void add_service(Elements& out, const ServiceState& s) {
    for (const auto& n : s.networks)
        for (const auto& vip : {n.v4, n.v6})
            if (vip) out[vip->is_v6() ? vips6 : vips4].push_back({address_field(*vip).bytes(), {}, {}, 0, {}});
    const bool serves = std::any_of(s.backends.begin(), s.backends.end(), [](const auto& b) { return b.v4 || b.v6; });
    if (serves) return;
    for (const auto& p : s.ports)
        out[closed].push_back(
            {Fields().proto(static_cast<std::uint8_t>(p.proto)).port(p.host_port).bytes(), {}, {}, 0, {}});
}

void add_targets(Balances& out, const ServiceState& s) {
    for (const auto& [address, targets] : vips_of(s)) {
        add_address(out.balance, address, targets);
        out.maps.note_address(address, targets.size());
    }
    for (const auto& p : s.ports)
        for (const bool v6 : {false, true}) {
            std::vector<TargetPort> targets;
            for (const auto& b : s.backends)
                if (const auto& a = v6 ? b.v6 : b.v4) targets.push_back({*a, p.container_port});
            net::add_port(out.balance, p.proto, p.host_port, targets);
            out.maps.note_port(v6, p.host_port, targets.size());
        }
}

// --- rules --------------------------------------------------------------------------------------------

class Rules {
public:
    explicit Rules(nft::Transaction& t) : t_(t) {}
    void base(const char* chain, const char* type, std::uint32_t hook, std::int32_t priority) {
        t_.add_base_chain(host_table_name, Family::inet, chain, {type, hook, priority, false});
    }
    void way(const char* chain_name, BalanceKind kind) { add_way(t_, host_table_name, chain_name, kind); }
    nft::Transaction& transaction() { return t_; }
    void chain(const char* name) { t_.add_chain(host_table_name, Family::inet, name); }
    void operator()(const char* chain_name, const Expressions& rule) {
        t_.add_rule(host_table_name, Family::inet, chain_name, rule);
    }

private:
    nft::Transaction& t_;
};

// protocol and destination port behind `slot`
Expressions& transport(Expressions& e, unsigned slot) {
    return e.meta(NFT_META_L4PROTO, slot).payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset_dport, 2, slot + 1);
}

// What a map gives stands in slot 0: the address, behind it the port.
void publish_rules(Rules& rule) {
    const std::uint32_t local = RTN_LOCAL;
    const std::string_view local_bytes(reinterpret_cast<const char*>(&local), sizeof local);
    const auto family_start = [](bool v6, bool with_daddr) {
        Expressions e;
        e.is_family(v6);
        if (with_daddr) e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? offset_daddr6 : offset_daddr4, v6 ? 16 : 4, 0);
        return e;
    };
    for (const bool v6 : {false, true}) {
        const unsigned after_address = v6 ? 4 : 1;
        Expressions e = family_start(v6, true);
        transport(e, after_address);
        rule("publish", e.from_map(name_of(v6 ? pub6h : pub4h)).dnat(v6, 0, static_cast<int>(after_address)));
    }
    rule("publish", Expressions().fib_type(false).equal(local_bytes, 0, true).verdict(NFT_RETURN));
    // ::1 and link-local addresses cannot be translated to a routed one: the proxy answers there.
    const IpAddress loopback6 = IpAddress::parse("::1");
    rule("publish", family_start(true, true).equal(loopback6.bytes()).verdict(NFT_RETURN));
    Expressions link_local;
    rule("publish", link_local.is_family(true)
                        .payload(NFT_PAYLOAD_NETWORK_HEADER, offset_daddr6, 2)
                        .equal("\xfe\x80")
                        .verdict(NFT_RETURN));
    for (const BalanceKind kind : {BalanceKind::port4, BalanceKind::port6}) rule.way("publish", kind);
    for (const bool v6 : {false, true}) {
        const unsigned after_address = v6 ? 4 : 1;
        Expressions single = family_start(v6, false);
        transport(single, 0);
        rule("publish", single.from_map(name_of(v6 ? pub6 : pub4)).dnat(v6, 0, static_cast<int>(after_address)));
        Expressions range = family_start(v6, false);
        transport(range, 0);
        rule("publish", range.from_map(name_of(v6 ? pub6r : pub4r)).dnat(v6, 0));
    }
}

void nat_rules(Rules& rule) {
    rule.base("prerouting", "nat", NF_INET_PRE_ROUTING, -100);
    rule("prerouting", Expressions().verdict(NFT_JUMP, "publish"));
    rule.base("output", "nat", NF_INET_LOCAL_OUT, -100);
    add_address_ways(rule.transaction(), host_table_name, "output", true);
    rule("output", Expressions().name_is(false, "lo", true).verdict(NFT_RETURN));
    rule("output", Expressions().verdict(NFT_JUMP, "publish"));

    rule.base("postrouting", "nat", NF_INET_POST_ROUTING, 100);
    const std::uint32_t local = RTN_LOCAL;
    // Matched by addresses, not interfaces: with bridge-nf-call-iptables=1 the packet stays bridged
    // and has no bridge as its output.
    for (const bool v6 : {false, true}) {
        const std::uint32_t size = v6 ? 16 : 4;
        Expressions e;
        e.ct(NFT_CT_STATUS).any_bit(ct_dst_nat).is_family(v6);
        e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? offset_saddr6 : offset_saddr4, size, 0);
        e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? offset_daddr6 : offset_daddr4, size, size / 4);
        rule("postrouting", e.in_set(name_of(v6 ? hairpin6 : hairpin4)).masquerade());
    }
    rule("postrouting", Expressions()
                            .ct(NFT_CT_STATUS)
                            .any_bit(ct_dst_nat)
                            .fib_type(true)
                            .equal({reinterpret_cast<const char*>(&local), sizeof local})
                            .name_in(false, name_of(bridges))
                            .masquerade());
    for (const bool v6 : {false, true}) {
        Expressions e;
        e.name_in(false, name_of(bridges), true).is_family(v6);
        e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? offset_saddr6 : offset_saddr4, v6 ? 16 : 4, 0);
        rule("postrouting", e.in_set(name_of(v6 ? masq6 : masq4)).masquerade());
    }
}

// route_localnet opens 127/8 to containers, and whoever routes to us could reach gateways: both are cut
// before anything else looks at the packet.
void raw_rules(Rules& rule) {
    rule.base("raw_pre", "filter", NF_INET_PRE_ROUTING, -300);
    Expressions localnet;
    localnet.name_in(true, name_of(bridges))
        .is_family(false)
        .payload(NFT_PAYLOAD_NETWORK_HEADER, offset_daddr4, 1)
        .equal("\x7f");
    rule("raw_pre", localnet.drop());
    for (const bool v6 : {false, true}) {
        Expressions direct;
        direct.name_in(true, name_of(bridges), true).name_is(true, "lo", true).is_family(v6);
        direct.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? offset_daddr6 : offset_daddr4, v6 ? 16 : 4);
        rule("raw_pre", direct.in_set(name_of(v6 ? masq6 : masq4)).drop());
    }
}

// What has nobody to answer is told so at once. Published ports are held by sockets that take nothing: they would leave
// a client waiting.
void refuse_rules(Rules& rule) {
    const std::uint32_t local = RTN_LOCAL, fresh = 8; // NF_CT_STATE_BIT(IP_CT_NEW)
    add_refuse_chain(rule.transaction(), host_table_name);
    rule.base("refuse_output", "filter", NF_INET_LOCAL_OUT, 0);
    refuse_addresses(rule.transaction(), host_table_name, "refuse_output");
    rule.base("refuse_input", "filter", NF_INET_LOCAL_IN, 0);
    refuse_redirected(rule.transaction(), host_table_name, "refuse_input");
    Expressions e;
    e.ct(NFT_CT_STATE).any_bit(fresh).fib_type(false).equal({reinterpret_cast<const char*>(&local), sizeof local});
    rule("refuse_input", transport(e, 0).in_set(name_of(closed)).verdict(NFT_GOTO, refuse_chain));
}

// Bridges of other container and machine managers: they guard their own forwarding.
constexpr const char* foreign_bridges[] = {"docker", "br-", "podman", "cni", "virbr", "lxc", "lxd", "incus", "vmnet"};

void forward_rules(Rules& rule, bool close_foreign) {
    rule.base("forward", "filter", NF_INET_FORWARD, 0);
    rule("forward", Expressions().name_in(true, name_of(bridges)).verdict(NFT_GOTO, "containers"));
    rule("forward", Expressions().name_in(false, name_of(bridges)).verdict(NFT_GOTO, "containers"));
    if (close_foreign) {
        for (const char* prefix : foreign_bridges)
            for (const bool input : {true, false}) rule("forward", Expressions().name_begins(input, prefix).accept());
        rule("forward", Expressions().drop());
    }
    rule("no_icc", Expressions().ct(NFT_CT_STATUS).any_bit(ct_dst_nat).accept());
    rule("no_icc", Expressions().drop());

    rule("containers", Expressions().ct(NFT_CT_STATE).any_bit(ct_established | ct_related).accept());
    rule("containers", Expressions().ct(NFT_CT_STATE).any_bit(ct_invalid).drop());
    rule("containers",
         Expressions().meta(NFT_META_IIFNAME, 0).meta(NFT_META_OIFNAME, 4).verdict_from_map(name_of(same_bridge)));
    rule("containers", Expressions().name_in(true, name_of(internal)).drop());
    rule("containers", Expressions().name_in(false, name_of(internal)).drop());
    rule("containers", Expressions().ct(NFT_CT_STATUS).any_bit(ct_dst_nat).accept());
    rule("containers", Expressions().name_in(false, name_of(bridges)).drop());
    rule("containers", Expressions().accept());
}

} // namespace

const std::vector<SetSpec>& host_sets() {
    static const std::vector<SetSpec> sets{
        {"bridges", {Type::ifname}, {}, false},
        {"internal", {Type::ifname}, {}, false},
        {"same_bridge", {Type::ifname, Type::ifname}, {Type::verdict}, false},
        {"masq4", {Type::ipv4_addr}, {}, true},
        {"masq6", {Type::ipv6_addr}, {}, true},
        {"hairpin4", {Type::ipv4_addr, Type::ipv4_addr}, {}, true},
        {"hairpin6", {Type::ipv6_addr, Type::ipv6_addr}, {}, true},
        {"pub4h",
         {Type::ipv4_addr, Type::inet_proto, Type::inet_service},
         {Type::ipv4_addr, Type::inet_service},
         false},
        {"pub4", {Type::inet_proto, Type::inet_service}, {Type::ipv4_addr, Type::inet_service}, false},
        {"pub4r", {Type::inet_proto, Type::inet_service}, {Type::ipv4_addr}, true},
        {"pub6h",
         {Type::ipv6_addr, Type::inet_proto, Type::inet_service},
         {Type::ipv6_addr, Type::inet_service},
         false},
        {"pub6", {Type::inet_proto, Type::inet_service}, {Type::ipv6_addr, Type::inet_service}, false},
        {"pub6r", {Type::inet_proto, Type::inet_service}, {Type::ipv6_addr}, true},
        addresses_of(false),
        addresses_of(true),
        {"closed", {Type::inet_proto, Type::inet_service}, {}, false},
        firsts_of(BalanceKind::address4),
        ways_of(BalanceKind::address4),
        firsts_of(BalanceKind::address6),
        ways_of(BalanceKind::address6),
        firsts_of(BalanceKind::port4),
        ways_of(BalanceKind::port4),
        firsts_of(BalanceKind::port6),
        ways_of(BalanceKind::port6),
    };
    return sets;
}

std::vector<std::vector<Element>> host_elements(const HostNetworkState& state) {
    Elements out(host_sets().size());
    for (const auto& [name, project] : state.projects) {
        for (const NetworkState& n : project.networks)
            if (!n.shared) add_network(out, n);
        for (const PortForward& p : project.ports) add_port(out, p);
        for (const ServiceState& s : project.services) add_service(out, s);
    }
    for (auto& list : out) {
        std::sort(list.begin(), list.end());
        list.erase(std::unique(list.begin(), list.end()), list.end());
    }
    return out;
}

Balances host_balances(const HostNetworkState& state) {
    Balances out;
    for (const auto& [name, project] : state.projects)
        for (const ServiceState& s : project.services) add_targets(out, s);
    return out;
}

nft::Transaction render(const HostNetworkState& state, bool replace) {
    nft::Transaction t;
    // Deleting what may not exist: created first, so that the pair never fails.
    if (replace) t.add_table(Family::inet, host_table_name).delete_table(Family::inet, host_table_name);
    if (replace) t.add_table(Family::inet, host_table_name, host_table_version);
    else t.create_table(Family::inet, host_table_name, host_table_version);
    Rules rule(t);
    for (const char* chain : {"publish", "containers", "no_icc"}) rule.chain(chain);
    const auto elements = host_elements(state);
    for (std::size_t i = 0; i < host_sets().size(); ++i) {
        t.add_set(host_table_name, Family::inet, host_sets()[i]);
        t.add_elements(host_table_name, Family::inet, host_sets()[i], elements[i]);
    }
    publish_rules(rule);
    nat_rules(rule);
    raw_rules(rule);
    refuse_rules(rule);
    forward_rules(rule, state.close_foreign_forwarding);
    change_balance(t, host_table_name, {}, host_balances(state));
    return t;
}

nft::Transaction render_change(const HostNetworkState& before, const HostNetworkState& after) {
    nft::Transaction t;
    const auto old = host_elements(before), fresh = host_elements(after);
    std::vector<std::vector<Element>> added(host_sets().size());
    // Deletions first: a port that moves to another container changes the value of its key.
    for (std::size_t i = 0; i < host_sets().size(); ++i) {
        std::vector<Element> gone;
        std::set_difference(old[i].begin(), old[i].end(), fresh[i].begin(), fresh[i].end(), std::back_inserter(gone));
        std::set_difference(fresh[i].begin(), fresh[i].end(), old[i].begin(), old[i].end(),
                            std::back_inserter(added[i]));
        t.delete_elements(host_table_name, Family::inet, host_sets()[i], gone);
    }
    change_balance(t, host_table_name, host_balances(before), host_balances(after));
    for (std::size_t i = 0; i < host_sets().size(); ++i)
        t.add_elements(host_table_name, Family::inet, host_sets()[i], added[i]);
    return t;
}

} // namespace davit::net
