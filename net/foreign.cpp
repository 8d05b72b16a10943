// Other owners' forward chains: an accept of ours is not final across base chains, so a policy of drop
// elsewhere, or a last rule that drops or rejects what is left (firewalld), cuts containers off until an accept
// stands in that very chain.
#include "net/firewall.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "net/bridge.hpp"
#include "net/host_table.hpp"

#include <algorithm>
#include <linux/netfilter.h>
#include <set>

namespace davit::net {

namespace {

constexpr std::string_view tag = "davit";

std::string family_name(nft::Family f) {
    switch (f) {
    case nft::Family::inet: return "inet";
    case nft::Family::ip: return "ip";
    case nft::Family::ip6: return "ip6";
    case nft::Family::bridge: return "bridge";
    }
    return "?";
}

struct Target {
    nft::Family family;
    std::string table, chain; // where accepts belong: DOCKER-USER or the base chain itself
    std::string base;         // the chain that drops
    bool docker_user = false;
};

bool cuts(NetlinkSocket& netfilter, const nft::ChainInfo& c) {
    const auto rules = nft::list_rules(netfilter, c.family, c.table, c.name);
    return std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.cuts; });
}

std::vector<Target> targets(NetlinkSocket& netfilter) {
    const auto chains = nft::list_chains(netfilter);
    std::vector<Target> found;
    for (const auto& c : chains) {
        if (!c.base || c.hook != NF_INET_FORWARD || (c.family == nft::Family::inet && c.table == host_table_name))
            continue;
        if (c.family == nft::Family::bridge) continue;
        if (!c.drop && !cuts(netfilter, c)) continue;
        const bool docker = std::any_of(chains.begin(), chains.end(), [&](const auto& o) {
            return o.family == c.family && o.table == c.table && o.name == "DOCKER-USER";
        });
        found.push_back({c.family, c.table, docker ? "DOCKER-USER" : c.name, c.name, docker});
    }
    return found;
}

// Our rules say in their comments which bridges they accept: "davit" those with our prefix, "davit NAME" that one.
bool is_ours(const nft::RuleInfo& rule) {
    return rule.comment == tag || rule.comment.starts_with(std::string(tag) + ' ');
}

std::vector<nft::RuleInfo> tagged(NetlinkSocket& netfilter, const Target& t) {
    auto rules = nft::list_rules(netfilter, t.family, t.table, t.chain);
    std::erase_if(rules, [](const auto& rule) { return !is_ours(rule); });
    return rules;
}

// Bridges with a name of the user's own need their own pair of rules.
std::set<std::string> own_names(const HostNetworkState& state) {
    std::set<std::string> names;
    for (const auto& [project, p] : state.projects)
        for (const NetworkState& n : p.networks)
            if (!n.shared && !n.bridge.starts_with(bridge_prefix)) names.insert(n.bridge);
    return names;
}

std::string comment_for(const std::string& name) { return std::string(tag) + ' ' + name; }

ForeignDrop describe(NetlinkSocket& netfilter, const Target& t) {
    ForeignDrop d{family_name(t.family), t.table, t.base, t.docker_user, !tagged(netfilter, t).empty(), {}};
    d.remedy =
        fmt::format("nft insert rule {} {} {} iifname \"{}*\" accept; nft insert rule {} {} {} oifname \"{}*\" accept",
                    d.family, t.table, t.chain, bridge_prefix, d.family, t.table, t.chain, bridge_prefix);
    return d;
}

} // namespace

std::vector<ForeignDrop> foreign_forward_drops(NetlinkSocket& netfilter) {
    std::vector<ForeignDrop> drops;
    for (const Target& t : targets(netfilter)) drops.push_back(describe(netfilter, t));
    return drops;
}

std::vector<ForeignDrop> open_foreign_forward(NetlinkSocket& netfilter, const HostNetworkState& state) {
    std::vector<ForeignDrop> left;
    const auto names = own_names(state);
    std::multiset<std::string> wanted{std::string(tag), std::string(tag)};
    for (const std::string& name : names) wanted.insert({comment_for(name), comment_for(name)});
    for (const Target& t : targets(netfilter)) {
        const auto present = tagged(netfilter, t);
        std::multiset<std::string> comments;
        for (const auto& rule : present) comments.insert(rule.comment);
        if (comments == wanted) continue;
        nft::Transaction change;
        for (const auto& rule : present) change.delete_rule(t.table, t.family, t.chain, rule.handle);
        for (const bool input : {true, false}) {
            change.add_rule(t.table, t.family, t.chain,
                            nft::Expressions().name_begins(input, bridge_prefix).counter().accept(), tag, true);
            for (const std::string& name : names)
                change.add_rule(t.table, t.family, t.chain, nft::Expressions().name_is(input, name).counter().accept(),
                                comment_for(name), true);
        }
        try {
            change.commit(netfilter);
        } catch (const Error& e) { // a chain owned by a living process (NFT_TABLE_F_OWNER) refuses
            log::warning("{} {} {} drops forwarded packets and cannot be changed: {}", family_name(t.family), t.table,
                         t.base, e.what());
            left.push_back(describe(netfilter, t));
        }
    }
    return left;
}

void close_foreign_forward(NetlinkSocket& netfilter) {
    std::set<std::pair<std::string, std::string>> done;
    for (const auto& c : nft::list_chains(netfilter)) {
        if (c.family == nft::Family::bridge || (c.family == nft::Family::inet && c.table == host_table_name)) continue;
        if (!(c.base && c.hook == NF_INET_FORWARD) && c.name != "DOCKER-USER") continue;
        nft::Transaction change;
        const auto ours = tagged(netfilter, {c.family, c.table, c.name, c.name, false});
        if (ours.empty()) continue;
        for (const auto& rule : ours) change.delete_rule(c.table, c.family, c.name, rule.handle);
        change.commit(netfilter);
    }
}

} // namespace davit::net
