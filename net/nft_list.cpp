#include "net/nft.hpp"

#include "net/nft_wire.hpp"

#include <cerrno>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace davit::net::nft {

namespace {

// Of libnftnl's TLVs in userdata.
std::string comment_of(std::string_view userdata) {
    while (userdata.size() >= 2) {
        const std::size_t size = static_cast<std::uint8_t>(userdata[1]);
        if (userdata.size() < 2 + size) break;
        if (userdata[0] == 0 && size > 0) return std::string(userdata.substr(2, size - 1));
        userdata.remove_prefix(2 + size);
    }
    return {};
}

} // namespace

std::optional<std::string> table_comment(NetlinkSocket& netfilter, Family family, const std::string& name) {
    Message m(type_of(NFT_MSG_GETTABLE), 0, family_header(family));
    m.what = "looking for nftables table " + name;
    m.put_string(NFTA_TABLE_NAME, name);
    std::string comment;
    const bool found = netfilter.query(
        std::move(m),
        [&](const nlmsghdr* h) { comment = comment_of(Attributes(h, sizeof(nfgenmsg)).find(NFTA_TABLE_USERDATA)); },
        {ENOENT});
    return found ? std::optional(comment) : std::nullopt;
}

std::vector<ChainInfo> list_chains(NetlinkSocket& netfilter) {
    std::vector<ChainInfo> chains;
    Message m(type_of(NFT_MSG_GETCHAIN), 0, nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
    m.what = "listing nftables chains";
    netfilter.dump(
        m,
        [&](const nlmsghdr* h) {
            const Attributes a(h, sizeof(nfgenmsg));
            ChainInfo c;
            c.family = static_cast<Family>(header_of<nfgenmsg>(h).nfgen_family);
            c.table = a.text(NFTA_CHAIN_TABLE);
            c.name = a.text(NFTA_CHAIN_NAME);
            c.base = a.has(NFTA_CHAIN_HOOK);
            c.type = a.text(NFTA_CHAIN_TYPE);
            c.hook = a.nested(NFTA_CHAIN_HOOK).be32(NFTA_HOOK_HOOKNUM);
            c.priority = static_cast<std::int32_t>(a.nested(NFTA_CHAIN_HOOK).be32(NFTA_HOOK_PRIORITY));
            c.drop = c.base && a.be32(NFTA_CHAIN_POLICY, NF_ACCEPT) == NF_DROP;
            chains.push_back(std::move(c));
        },
        [&] { chains.clear(); });
    return chains;
}

bool rule_cuts(const Attributes& rule) {
    bool cuts = false, always = true;
    rule.nested(NFTA_RULE_EXPRESSIONS).each([&](int, std::string_view element) {
        const Attributes expression(element.data(), element.size());
        const std::string name = expression.text(NFTA_EXPR_NAME);
        const Attributes data = expression.nested(NFTA_EXPR_DATA);
        if (name == "reject") cuts = true;
        else if (name == "immediate")
            cuts =
                cuts || data.nested(NFTA_IMMEDIATE_DATA).nested(NFTA_DATA_VERDICT).be32(NFTA_VERDICT_CODE, NF_ACCEPT) ==
                            NF_DROP;
        else if (name == "target") { // iptables' extensions
            const std::string target = data.text(NFTA_TARGET_NAME);
            cuts = cuts || target == "REJECT" || target == "DROP";
        } else if (name != "counter" && name != "log") always = false;
    });
    return cuts && always;
}

std::vector<RuleInfo> list_rules(NetlinkSocket& netfilter, Family family, const std::string& table,
                                 const std::string& chain) {
    std::vector<RuleInfo> rules;
    Message m(type_of(NFT_MSG_GETRULE), 0, family_header(family));
    m.what = "listing the rules of nftables chain " + chain;
    m.put_string(NFTA_RULE_TABLE, table).put_string(NFTA_RULE_CHAIN, chain);
    netfilter.dump(
        m,
        [&](const nlmsghdr* h) {
            const Attributes a(h, sizeof(nfgenmsg));
            rules.push_back({a.be64(NFTA_RULE_HANDLE), comment_of(a.find(NFTA_RULE_USERDATA)), rule_cuts(a)});
        },
        [&] { rules.clear(); });
    return rules;
}

} // namespace davit::net::nft
