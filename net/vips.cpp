#include "net/vips.hpp"

#include "base/error.hpp"
#include "net/balance.hpp"

#include <algorithm>
#include <linux/netfilter.h>

namespace davit::net {

using nft::Element;
using nft::Family;

namespace {

constexpr BalanceKind kinds[] = {BalanceKind::address4, BalanceKind::address6};

// What the other table has as well is left out.
Balances balances(const VipTable& table, const VipTable& other) {
    Balances b;
    for (const auto& [address, targets] : table) {
        b.maps.note_address(address, targets.size());
        const auto there = other.find(address);
        if (there == other.end() || there->second != targets) add_address(b.balance, address, targets);
    }
    return b;
}

// Of the first, those that the second has not.
std::vector<Element> only_in(const VipTable& one, const VipTable& other, bool v6) {
    std::vector<Element> out;
    for (const auto& [address, targets] : one)
        if (address.is_v6() == v6 && !other.contains(address))
            out.push_back({std::string(address.bytes()), {}, {}, 0, {}});
    return out;
}

void add_chains(nft::Transaction& t) {
    const auto base = [&](const char* name, const char* type, std::uint32_t hook, std::int32_t priority) {
        t.add_base_chain(vip_table_name, Family::inet, name, {type, hook, priority, false});
    };
    base("output", "nat", NF_INET_LOCAL_OUT, -100);
    base("prerouting", "nat", NF_INET_PRE_ROUTING, -100);
    add_address_ways(t, vip_table_name, "output", true);
    add_address_ways(t, vip_table_name, "prerouting", false);
    add_refuse_chain(t, vip_table_name);
    base("refuse_output", "filter", NF_INET_LOCAL_OUT, 0);
    base("refuse_forward", "filter", NF_INET_FORWARD, 0);
    base("refuse_input", "filter", NF_INET_LOCAL_IN, 0);
    refuse_addresses(t, vip_table_name, "refuse_output");
    refuse_addresses(t, vip_table_name, "refuse_forward");
    refuse_redirected(t, vip_table_name, "refuse_input");
}

} // namespace

VipTable vips_of(const ServiceState& service) {
    VipTable out;
    for (const auto& n : service.networks)
        for (const bool v6 : {false, true}) {
            const auto& vip = v6 ? n.v6 : n.v4;
            if (!vip) continue;
            auto& targets = out[*vip];
            for (const auto& b : service.backends)
                for (const auto& at : b.at)
                    if (const auto& a = v6 ? at.v6 : at.v4; a && at.network == n.network) targets.push_back(*a);
        }
    return out;
}

bool lost_any(const std::vector<IpAddress>& before, const std::vector<IpAddress>& after) {
    return std::any_of(before.begin(), before.end(),
                       [&](const auto& a) { return std::find(after.begin(), after.end(), a) == after.end(); });
}

nft::Transaction render_vips(const VipTable& table, bool replace) {
    nft::Transaction t;
    if (replace) {
        t.add_table(Family::inet, vip_table_name).delete_table(Family::inet, vip_table_name);
        t.add_table(Family::inet, vip_table_name, vip_table_version);
    } else {
        t.create_table(Family::inet, vip_table_name, vip_table_version);
    }
    for (const BalanceKind kind : kinds)
        t.add_set(vip_table_name, Family::inet, firsts_of(kind)).add_set(vip_table_name, Family::inet, ways_of(kind));
    for (const bool v6 : {false, true}) {
        t.add_set(vip_table_name, Family::inet, addresses_of(v6));
        t.add_elements(vip_table_name, Family::inet, addresses_of(v6), only_in(table, {}, v6));
    }
    add_chains(t);
    change_balance(t, vip_table_name, {}, balances(table, {}));
    return t;
}

nft::Transaction render_vip_change(const VipTable& before, const VipTable& after) {
    nft::Transaction t;
    for (const bool v6 : {false, true})
        t.delete_elements(vip_table_name, Family::inet, addresses_of(v6), only_in(before, after, v6));
    change_balance(t, vip_table_name, balances(before, after), balances(after, before));
    for (const bool v6 : {false, true})
        t.add_elements(vip_table_name, Family::inet, addresses_of(v6), only_in(after, before, v6));
    return t;
}

void write_vips(NetlinkSocket& netfilter, const VipTable& table) {
    in_context("writing the services of a container",
               [&] { nft::create_or_replace(netfilter, [&](bool replace) { return render_vips(table, replace); }); });
}

void remove_vips(NetlinkSocket& netfilter) {
    nft::Transaction t;
    t.add_table(Family::inet, vip_table_name).delete_table(Family::inet, vip_table_name);
    t.commit(netfilter);
}

} // namespace davit::net
