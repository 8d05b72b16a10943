#include "net/balance.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <optional>

namespace davit::net {

using nft::Element;
using nft::Expressions;
using nft::Family;
using nft::Fields;
using nft::SetSpec;
using nft::Type;

namespace {

constexpr std::uint32_t balance_daddr4 = 16, balance_daddr6 = 24, balance_dport = 2;

constexpr std::size_t index_of(BalanceKind kind) { return static_cast<std::size_t>(kind); }
bool is_port(BalanceKind kind) { return kind == BalanceKind::port4 || kind == BalanceKind::port6; }
bool is_v6(BalanceKind kind) { return kind == BalanceKind::address6 || kind == BalanceKind::port6; }

// The key stands in the slots from 0 on; the number of the slot behind it.
unsigned load_key(Expressions& e, BalanceKind kind) {
    if (is_port(kind)) {
        e.meta(NFT_META_L4PROTO, 0).payload(NFT_PAYLOAD_TRANSPORT_HEADER, balance_dport, 2, 1);
        return 2;
    }
    const bool v6 = is_v6(kind);
    e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? balance_daddr6 : balance_daddr4, v6 ? 16 : 4, 0);
    return v6 ? 4 : 1;
}

// What the map gives stands in slot 0: the address, behind it the port.
Expressions& translate(Expressions& e, BalanceKind kind, const std::string& map) {
    const bool v6 = is_v6(kind);
    return e.from_map(map).dnat(v6, 0, is_port(kind) ? (v6 ? 4 : 1) : -1);
}

SetSpec targets_of(BalanceKind kind, std::size_t map) {
    static const SetSpec shapes[] = {
        {"vip4_to", {Type::ipv4_addr, Type::mark}, {Type::ipv4_addr}, false},
        {"vip6_to", {Type::ipv6_addr, Type::mark}, {Type::ipv6_addr}, false},
        {"svc4_to", {Type::inet_proto, Type::inet_service, Type::mark}, {Type::ipv4_addr, Type::inet_service}, false},
        {"svc6_to", {Type::inet_proto, Type::inet_service, Type::mark}, {Type::ipv6_addr, Type::inet_service}, false},
    };
    SetSpec spec = shapes[index_of(kind)];
    spec.name += fmt::format("_{}", map);
    return spec;
}

SetSpec targets_of(const Balanced& b) {
    // The last byte; that of a port stands behind the padded protocol and its first.
    const char last = is_port(b.kind) ? b.key[5] : b.key.back();
    return targets_of(b.kind, static_cast<std::uint8_t>(last) % target_maps);
}

void add_rule(nft::Transaction& t, const std::string& table, const std::string& chain, const Balanced& b) {
    Expressions e;
    const unsigned number = load_key(e, b.kind);
    e.next_number(static_cast<std::uint32_t>(b.targets.size()), number);
    t.add_rule(table, Family::inet, chain, translate(e, b.kind, targets_of(b).name));
}

Element way(const std::string& chain, const Balanced& b) { return {b.key, {}, {}, NFT_JUMP, chain}; }
Element first(const Balanced& b) { return {b.key, {}, b.targets.front(), 0, {}}; }
Element target(const Balanced& b, std::size_t number) {
    return {b.key + Fields().number(static_cast<std::uint32_t>(number)).bytes(), {}, b.targets[number], 0, {}};
}

// Elements of any number of sets, in one message a set.
class BalanceElements {
public:
    void put(const SetSpec& spec, Element e) {
        auto& place = sets_[spec.name];
        if (!place.spec) place.spec = spec;
        place.elements.push_back(std::move(e));
    }
    void add(nft::Transaction& t, const std::string& table) const {
        for (const auto& [name, set] : sets_) t.add_elements(table, Family::inet, *set.spec, set.elements);
    }
    void remove(nft::Transaction& t, const std::string& table) const {
        for (const auto& [name, set] : sets_) t.delete_elements(table, Family::inet, *set.spec, set.elements);
    }

private:
    struct Set {
        std::optional<SetSpec> spec;
        std::vector<Element> elements;
    };
    std::map<std::string, Set> sets_;
};

// Targets of the first that the second has not, number by number. One target alone is the first of its key.
void differing(const Balanced& one, const Balanced* other, BalanceElements& out) {
    if (!other || one.targets.front() != other->targets.front()) out.put(firsts_of(one.kind), first(one));
    if (one.targets.size() < 2) return;
    const std::size_t known = other && other->targets.size() > 1 ? other->targets.size() : 0;
    const SetSpec spec = targets_of(one);
    for (std::size_t i = 0; i < one.targets.size(); ++i)
        if (i >= known || one.targets[i] != other->targets[i]) out.put(spec, target(one, i));
}

const Balanced* find(const Balance& in, const std::string& chain) {
    const auto it = in.find(chain);
    return it == in.end() ? nullptr : &it->second;
}

bool has_chain(const Balanced* b) { return b && b->targets.size() > 1; }

template <typename Fn>
void each_map_only_in(const MapsInUse& one, const MapsInUse& other, Fn fn) {
    for (const BalanceKind kind :
         {BalanceKind::address4, BalanceKind::address6, BalanceKind::port4, BalanceKind::port6})
        for (std::size_t i = 0; i < target_maps; ++i)
            if (one.of[index_of(kind)][i] && !other.of[index_of(kind)][i]) fn(targets_of(kind, i));
}

} // namespace

void MapsInUse::note_address(const IpAddress& address, std::size_t targets) {
    if (targets < 2) return;
    const auto last = static_cast<std::uint8_t>(address.bytes().back());
    of[index_of(address.is_v6() ? BalanceKind::address6 : BalanceKind::address4)].set(last % target_maps);
}

void MapsInUse::note_port(bool v6, std::uint16_t port, std::size_t targets) {
    if (targets > 1) of[index_of(v6 ? BalanceKind::port6 : BalanceKind::port4)].set(port % target_maps);
}

void add_address(Balance& to, const IpAddress& address, const std::vector<IpAddress>& targets) {
    Balanced b{address.is_v6() ? BalanceKind::address6 : BalanceKind::address4, std::string(address.bytes()), {}};
    for (const IpAddress& a : targets)
        if (a.is_v6() == address.is_v6()) b.targets.emplace_back(a.bytes());
    if (!b.targets.empty()) to.insert_or_assign("to-" + address.to_string(), std::move(b));
}

void add_port(Balance& to, Proto proto, std::uint16_t port, const std::vector<TargetPort>& targets) {
    if (targets.empty()) return;
    const bool v6 = targets.front().address.is_v6();
    Balanced b{v6 ? BalanceKind::port6 : BalanceKind::port4,
               Fields().proto(static_cast<std::uint8_t>(proto)).port(port).bytes(),
               {}};
    for (const TargetPort& p : targets) b.targets.push_back(Fields().raw(p.address.bytes()).port(p.port).bytes());
    to.insert_or_assign(fmt::format("to-{}-{}-{}", to_string(proto), port, v6 ? "v6" : "v4"), std::move(b));
}

const SetSpec& ways_of(BalanceKind kind) {
    static const SetSpec all[] = {
        {"vip4", {Type::ipv4_addr}, {Type::verdict}, false},
        {"vip6", {Type::ipv6_addr}, {Type::verdict}, false},
        {"svc4", {Type::inet_proto, Type::inet_service}, {Type::verdict}, false},
        {"svc6", {Type::inet_proto, Type::inet_service}, {Type::verdict}, false},
    };
    return all[index_of(kind)];
}

const SetSpec& firsts_of(BalanceKind kind) {
    static const SetSpec all[] = {
        {"vip4_first", {Type::ipv4_addr}, {Type::ipv4_addr}, false},
        {"vip6_first", {Type::ipv6_addr}, {Type::ipv6_addr}, false},
        {"svc4_first", {Type::inet_proto, Type::inet_service}, {Type::ipv4_addr, Type::inet_service}, false},
        {"svc6_first", {Type::inet_proto, Type::inet_service}, {Type::ipv6_addr, Type::inet_service}, false},
    };
    return all[index_of(kind)];
}

const SetSpec& addresses_of(bool v6) {
    static const SetSpec all[] = {{"vips4", {Type::ipv4_addr}, {}, false}, {"vips6", {Type::ipv6_addr}, {}, false}};
    return all[v6 ? 1 : 0];
}

void add_way(nft::Transaction& t, const std::string& table, const std::string& chain, BalanceKind kind) {
    Expressions several, one;
    several.is_family(is_v6(kind));
    load_key(several, kind);
    t.add_rule(table, Family::inet, chain, several.verdict_from_map(ways_of(kind).name));
    one.is_family(is_v6(kind));
    load_key(one, kind);
    t.add_rule(table, Family::inet, chain, translate(one, kind, firsts_of(kind).name));
}

// What leads to a chain or uses a map goes before it, and comes after it; a key's value changes by going and coming.
void change_balance(nft::Transaction& t, const std::string& table, const Balances& old_all, const Balances& new_all) {
    const Balance &before = old_all.balance, &after = new_all.balance;
    BalanceElements gone, fresh, ways_gone, ways_fresh;
    std::vector<const Balance::value_type*> rewritten, added;
    std::vector<std::string> removed;
    for (const auto& [chain, b] : before) {
        const Balanced* now = find(after, chain);
        differing(b, now, gone);
        if (!has_chain(&b) || has_chain(now)) continue;
        ways_gone.put(ways_of(b.kind), way(chain, b));
        removed.push_back(chain);
    }
    for (const auto& entry : after) {
        const auto& [chain, b] = entry;
        const Balanced* old = find(before, chain);
        differing(b, old, fresh);
        if (!has_chain(&b)) continue;
        if (!has_chain(old)) {
            ways_fresh.put(ways_of(b.kind), way(chain, b));
            added.push_back(&entry);
        } else if (old->targets.size() != b.targets.size()) {
            rewritten.push_back(&entry);
        }
    }
    ways_gone.remove(t, table);
    gone.remove(t, table);
    for (const std::string& chain : removed) t.delete_chain(table, Family::inet, chain);
    each_map_only_in(old_all.maps, new_all.maps,
                     [&](const SetSpec& map) { t.delete_set(table, Family::inet, map.name); });
    each_map_only_in(new_all.maps, old_all.maps, [&](const SetSpec& map) { t.add_set(table, Family::inet, map); });
    for (const auto* entry : rewritten) {
        t.flush_chain(table, Family::inet, entry->first);
        add_rule(t, table, entry->first, entry->second);
    }
    for (const auto* entry : added) {
        t.add_chain(table, Family::inet, entry->first);
        add_rule(t, table, entry->first, entry->second);
    }
    fresh.add(t, table);
    ways_fresh.add(t, table);
}

namespace {
Expressions& is_protocol(Expressions& e, std::uint8_t proto) {
    return e.meta(NFT_META_L4PROTO).equal({reinterpret_cast<const char*>(&proto), 1});
}

Expressions to_address(bool v6) {
    Expressions e;
    e.is_family(v6);
    load_key(e, v6 ? BalanceKind::address6 : BalanceKind::address4);
    return std::move(e.in_set(addresses_of(v6).name));
}
} // namespace

// A datagram that is refused where it leaves fails its send() with EPERM. The sender is to hear that the port is
// unreachable, as from a machine where nobody listens: it goes to this one, and is refused where it arrives.
void add_address_ways(nft::Transaction& t, const std::string& table, const std::string& chain, bool local) {
    for (const bool v6 : {false, true}) add_way(t, table, chain, v6 ? BalanceKind::address6 : BalanceKind::address4);
    for (const bool v6 : {false, true})
        if (Expressions e = to_address(v6); local)
            t.add_rule(table, Family::inet, chain, is_protocol(e, IPPROTO_UDP).redirect());
}

void add_refuse_chain(nft::Transaction& t, const std::string& table) {
    Expressions tcp;
    t.add_chain(table, Family::inet, refuse_chain);
    t.add_rule(table, Family::inet, refuse_chain, is_protocol(tcp, IPPROTO_TCP).reject_with_reset());
    t.add_rule(table, Family::inet, refuse_chain, Expressions().reject_port_unreachable());
}

void refuse_addresses(nft::Transaction& t, const std::string& table, const std::string& chain) {
    for (const bool v6 : {false, true})
        t.add_rule(table, Family::inet, chain, to_address(v6).verdict(NFT_GOTO, refuse_chain));
}

void refuse_redirected(nft::Transaction& t, const std::string& table, const std::string& input_chain) {
    for (const bool v6 : {false, true}) {
        const IpAddress loopback = IpAddress::parse(v6 ? "::1" : "127.0.0.1");
        Expressions e;
        e.is_family(v6);
        is_protocol(e, IPPROTO_UDP);
        e.payload(NFT_PAYLOAD_NETWORK_HEADER, v6 ? balance_daddr6 : balance_daddr4, v6 ? 16 : 4)
            .equal(loopback.bytes());
        e.original_destination(v6).in_set(addresses_of(v6).name);
        t.add_rule(table, Family::inet, input_chain, e.verdict(NFT_GOTO, refuse_chain));
    }
}

} // namespace davit::net
