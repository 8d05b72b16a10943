#include "net/nft.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace davit::net::nft {

namespace {

constexpr std::size_t ifname_size = 16;
constexpr std::size_t header_length = 16; // of a netlink message
// An attribute's length has 16 bits: elements go in several messages.
constexpr std::size_t elements_per_message = 300;
constexpr int attempts = 8;

// libnftnl's TLVs in userdata; 0 is the comment for tables, chains and rules alike.
std::string comment_userdata(std::string_view comment) {
    std::string tlv{'\0', static_cast<char>(comment.size() + 1)};
    tlv += comment;
    return tlv + '\0';
}

std::string comment_of(std::string_view userdata) {
    while (userdata.size() >= 2) {
        const std::size_t size = static_cast<std::uint8_t>(userdata[1]);
        if (userdata.size() < 2 + size) break;
        if (userdata[0] == 0 && size > 0) return std::string(userdata.substr(2, size - 1));
        userdata.remove_prefix(2 + size);
    }
    return {};
}

std::size_t size_of(Type t) {
    switch (t) {
    case Type::ipv4_addr: return 4;
    case Type::ipv6_addr: return 16;
    case Type::inet_proto: return 1;
    case Type::inet_service: return 2;
    case Type::mark: return 4;
    case Type::ifname: return ifname_size;
    case Type::verdict: return 16;
    }
    return 0;
}

std::uint32_t type_number(const std::vector<Type>& fields) {
    std::uint32_t n = 0;
    for (const Type t : fields) n = (n << 6) | static_cast<std::uint32_t>(t);
    return fields.size() == 1 ? static_cast<std::uint32_t>(fields.front()) : n;
}

std::size_t length_of(const std::vector<Type>& fields) {
    if (fields.size() == 1) return size_of(fields.front());
    std::size_t total = 0;
    for (const Type t : fields) total += (size_of(t) + 3) & ~std::size_t{3};
    return total;
}

bool is_verdict_map(const SetSpec& s) { return s.data == std::vector<Type>{Type::verdict}; }

// A set of one field is keyed by the bare value; concatenations are padded.
std::string_view trimmed(const std::string& bytes, const std::vector<Type>& fields) {
    return std::string_view(bytes).substr(0, length_of(fields));
}

void put_data(Message& m, int attribute, std::string_view value) {
    const auto nest = m.nest(attribute);
    m.put(NFTA_DATA_VALUE, value);
}

void put_verdict(Message& m, int attribute, int code, const std::string& chain) {
    const auto data = m.nest(attribute);
    const auto verdict = m.nest(NFTA_DATA_VERDICT);
    m.put_be32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
    if (!chain.empty()) m.put_string(NFTA_VERDICT_CHAIN, chain);
}

std::uint32_t register_of(unsigned slot) { return NFT_REG32_00 + slot; }

nfgenmsg family_header(Family family) { return {static_cast<std::uint8_t>(family), NFNETLINK_V0, 0}; }

int type_of(int message) { return (NFNL_SUBSYS_NFTABLES << 8) | message; }

} // namespace

// --- Fields -------------------------------------------------------------------------------------------

Fields& Fields::port(std::uint16_t p) {
    const std::uint16_t order = htons(p);
    return raw({reinterpret_cast<const char*>(&order), 2});
}

Fields& Fields::ifname(std::string_view name) {
    std::string padded(name.substr(0, ifname_size - 1));
    padded.resize(ifname_size, '\0');
    return raw(padded);
}

Fields& Fields::number(std::uint32_t n) { return raw({reinterpret_cast<const char*>(&n), sizeof n}); }

Fields& Fields::raw(std::string_view bytes) {
    bytes_ += bytes;
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3}, '\0');
    return *this;
}

// --- Expressions --------------------------------------------------------------------------------------

Expressions::Expressions() : list_(0, 0, nullptr, 0) {}

std::string_view Expressions::bytes() const { return list_.bytes().substr(header_length); }

template <typename Fill>
Expressions& Expressions::add(const char* name, Fill fill) {
    const auto element = list_.nest(NFTA_LIST_ELEM);
    list_.put_string(NFTA_EXPR_NAME, name);
    const auto data = list_.nest(NFTA_EXPR_DATA);
    fill(list_);
    return *this;
}

Expressions& Expressions::meta(std::uint32_t key, unsigned slot) {
    return add("meta", [&](Message& m) { m.put_be32(NFTA_META_KEY, key).put_be32(NFTA_META_DREG, register_of(slot)); });
}

Expressions& Expressions::payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, unsigned slot) {
    return add("payload", [&](Message& m) {
        m.put_be32(NFTA_PAYLOAD_DREG, register_of(slot)).put_be32(NFTA_PAYLOAD_BASE, base);
        m.put_be32(NFTA_PAYLOAD_OFFSET, offset).put_be32(NFTA_PAYLOAD_LEN, size);
    });
}

Expressions& Expressions::ct(std::uint32_t key, unsigned slot) {
    return add("ct", [&](Message& m) { m.put_be32(NFTA_CT_KEY, key).put_be32(NFTA_CT_DREG, register_of(slot)); });
}

Expressions& Expressions::original_destination(bool v6, unsigned slot) {
    return add("ct", [&](Message& m) {
        m.put_be32(NFTA_CT_KEY, v6 ? NFT_CT_DST_IP6 : NFT_CT_DST_IP).put_be32(NFTA_CT_DREG, register_of(slot));
        m.put_u8(NFTA_CT_DIRECTION, IP_CT_DIR_ORIGINAL);
    });
}

Expressions& Expressions::fib_type(bool source, unsigned slot) {
    return add("fib", [&](Message& m) {
        m.put_be32(NFTA_FIB_DREG, register_of(slot)).put_be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        m.put_be32(NFTA_FIB_FLAGS, source ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR);
    });
}

Expressions& Expressions::equal(std::string_view value, unsigned slot, bool negate) {
    return add("cmp", [&](Message& m) {
        m.put_be32(NFTA_CMP_SREG, register_of(slot)).put_be32(NFTA_CMP_OP, negate ? NFT_CMP_NEQ : NFT_CMP_EQ);
        put_data(m, NFTA_CMP_DATA, value);
    });
}

Expressions& Expressions::any_bit(std::uint32_t mask, unsigned slot) {
    const std::uint32_t zero = 0;
    const std::string_view zeros(reinterpret_cast<const char*>(&zero), sizeof zero);
    add("bitwise", [&](Message& m) {
        m.put_be32(NFTA_BITWISE_SREG, register_of(slot)).put_be32(NFTA_BITWISE_DREG, register_of(slot));
        m.put_be32(NFTA_BITWISE_LEN, sizeof mask);
        put_data(m, NFTA_BITWISE_MASK, {reinterpret_cast<const char*>(&mask), sizeof mask});
        put_data(m, NFTA_BITWISE_XOR, zeros);
    });
    return equal(zeros, slot, true);
}

Expressions& Expressions::load(std::string_view value, unsigned slot) {
    return add("immediate", [&](Message& m) {
        m.put_be32(NFTA_IMMEDIATE_DREG, register_of(slot));
        put_data(m, NFTA_IMMEDIATE_DATA, value);
    });
}

Expressions& Expressions::in_set(const std::string& set, bool negate, unsigned slot) {
    return add("lookup", [&](Message& m) {
        m.put_string(NFTA_LOOKUP_SET, set).put_be32(NFTA_LOOKUP_SREG, register_of(slot));
        if (negate) m.put_be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    });
}

Expressions& Expressions::from_map(const std::string& map, unsigned slot, unsigned result) {
    return add("lookup", [&](Message& m) {
        m.put_string(NFTA_LOOKUP_SET, map).put_be32(NFTA_LOOKUP_SREG, register_of(slot));
        m.put_be32(NFTA_LOOKUP_DREG, register_of(result));
    });
}

Expressions& Expressions::next_number(std::uint32_t modulus, unsigned slot) {
    return add("numgen", [&](Message& m) {
        m.put_be32(NFTA_NG_DREG, register_of(slot)).put_be32(NFTA_NG_MODULUS, modulus);
        m.put_be32(NFTA_NG_TYPE, NFT_NG_INCREMENTAL).put_be32(NFTA_NG_OFFSET, 0);
    });
}

Expressions& Expressions::verdict_from_map(const std::string& map, unsigned slot) {
    return add("lookup", [&](Message& m) {
        m.put_string(NFTA_LOOKUP_SET, map).put_be32(NFTA_LOOKUP_SREG, register_of(slot));
        m.put_be32(NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
    });
}

Expressions& Expressions::verdict(int code, const std::string& chain) {
    return add("immediate", [&](Message& m) {
        m.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        put_verdict(m, NFTA_IMMEDIATE_DATA, code, chain);
    });
}

Expressions& Expressions::dnat(bool v6, unsigned address_slot, int port_slot) {
    return add("nat", [&](Message& m) {
        m.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT).put_be32(NFTA_NAT_FAMILY, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
        m.put_be32(NFTA_NAT_REG_ADDR_MIN, register_of(address_slot));
        if (port_slot >= 0) m.put_be32(NFTA_NAT_REG_PROTO_MIN, register_of(static_cast<unsigned>(port_slot)));
    });
}

Expressions& Expressions::masquerade() {
    return add("masq", [](Message&) {});
}

Expressions& Expressions::redirect() {
    return add("redir", [](Message&) {});
}

Expressions& Expressions::reject_with_reset() {
    return add("reject", [](Message& m) { m.put_be32(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST); });
}

Expressions& Expressions::reject_port_unreachable() {
    return add("reject", [](Message& m) {
        m.put_be32(NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
        m.put_u8(NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
    });
}

Expressions& Expressions::counter() {
    return add("counter", [](Message& m) { m.put_be64(NFTA_COUNTER_BYTES, 0).put_be64(NFTA_COUNTER_PACKETS, 0); });
}

Expressions& Expressions::is_family(bool v6) {
    const std::uint8_t value = v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    return meta(NFT_META_NFPROTO).equal({reinterpret_cast<const char*>(&value), 1});
}

Expressions& Expressions::name_is(bool input, std::string_view name, bool negate) {
    return meta(input ? NFT_META_IIFNAME : NFT_META_OIFNAME).equal(Fields().ifname(name).bytes(), 0, negate);
}

Expressions& Expressions::name_begins(bool input, std::string_view prefix) {
    return meta(input ? NFT_META_IIFNAME : NFT_META_OIFNAME).equal(prefix);
}

Expressions& Expressions::name_in(bool input, const std::string& set, bool negate) {
    return meta(input ? NFT_META_IIFNAME : NFT_META_OIFNAME).in_set(set, negate);
}

// --- Transaction --------------------------------------------------------------------------------------

Message& Transaction::start(int type, int flags, Family family, std::string what) {
    messages_.emplace_back(type_of(type), flags, family_header(family));
    messages_.back().what = std::move(what);
    return messages_.back();
}

Transaction& Transaction::add_table(Family family, const std::string& name, std::string_view comment) {
    Message& m = start(NFT_MSG_NEWTABLE, NLM_F_CREATE, family, "adding nftables table " + name);
    m.put_string(NFTA_TABLE_NAME, name);
    if (!comment.empty()) m.put(NFTA_TABLE_USERDATA, comment_userdata(comment));
    return *this;
}

Transaction& Transaction::create_table(Family family, const std::string& name, std::string_view comment) {
    Message& m = start(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, family, "creating nftables table " + name);
    m.put_string(NFTA_TABLE_NAME, name);
    if (!comment.empty()) m.put(NFTA_TABLE_USERDATA, comment_userdata(comment));
    return *this;
}

Transaction& Transaction::delete_table(Family family, const std::string& name) {
    start(NFT_MSG_DELTABLE, 0, family, "deleting nftables table " + name).put_string(NFTA_TABLE_NAME, name);
    return *this;
}

Transaction& Transaction::add_chain(const std::string& table_name, Family family, const std::string& chain) {
    Message& m = start(NFT_MSG_NEWCHAIN, NLM_F_CREATE, family, "adding nftables chain " + chain);
    m.put_string(NFTA_CHAIN_TABLE, table_name).put_string(NFTA_CHAIN_NAME, chain);
    return *this;
}

Transaction& Transaction::delete_chain(const std::string& table_name, Family family, const std::string& chain) {
    Message& m = start(NFT_MSG_DELCHAIN, 0, family, "deleting nftables chain " + chain);
    m.put_string(NFTA_CHAIN_TABLE, table_name).put_string(NFTA_CHAIN_NAME, chain);
    return *this;
}

Transaction& Transaction::flush_chain(const std::string& table_name, Family family, const std::string& chain) {
    Message& m = start(NFT_MSG_DELRULE, 0, family, "emptying nftables chain " + chain);
    m.put_string(NFTA_RULE_TABLE, table_name).put_string(NFTA_RULE_CHAIN, chain);
    return *this;
}

Transaction& Transaction::add_base_chain(const std::string& table_name, Family family, const std::string& chain,
                                         const Hook& hook) {
    add_chain(table_name, family, chain);
    Message& m = messages_.back();
    m.put_string(NFTA_CHAIN_TYPE, hook.type);
    m.put_be32(NFTA_CHAIN_POLICY, hook.drop ? NF_DROP : NF_ACCEPT);
    const auto nest = m.nest(NFTA_CHAIN_HOOK);
    m.put_be32(NFTA_HOOK_HOOKNUM, hook.hook).put_be32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook.priority));
    return *this;
}

Transaction& Transaction::add_set(const std::string& table_name, Family family, const SetSpec& spec) {
    Message& m = start(NFT_MSG_NEWSET, NLM_F_CREATE, family, "adding nftables set " + spec.name);
    std::uint32_t flags = 0;
    if (spec.interval) flags |= NFT_SET_INTERVAL;
    if (!spec.data.empty()) flags |= NFT_SET_MAP;
    if (spec.key.size() > 1) flags |= NFT_SET_CONCAT;
    m.put_string(NFTA_SET_TABLE, table_name).put_string(NFTA_SET_NAME, spec.name);
    m.put_be32(NFTA_SET_FLAGS, flags).put_be32(NFTA_SET_ID, next_set_id_++);
    m.put_be32(NFTA_SET_KEY_TYPE, type_number(spec.key))
        .put_be32(NFTA_SET_KEY_LEN, static_cast<std::uint32_t>(length_of(spec.key)));
    if (is_verdict_map(spec)) {
        m.put_be32(NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
    } else if (!spec.data.empty()) {
        m.put_be32(NFTA_SET_DATA_TYPE, type_number(spec.data));
        m.put_be32(NFTA_SET_DATA_LEN, static_cast<std::uint32_t>(length_of(spec.data)));
    }
    if (spec.key == std::vector<Type>{Type::ifname}) {
        // libnftnl's TLV: without the byte order `nft list` prints empty names
        const std::uint32_t host_endian = 1;
        std::string tlv{'\0', '\4'};
        m.put(NFTA_SET_USERDATA, tlv.append(reinterpret_cast<const char*>(&host_endian), sizeof host_endian));
    }
    if (spec.key.size() > 1) {
        const auto desc = m.nest(NFTA_SET_DESC);
        const auto concat = m.nest(NFTA_SET_DESC_CONCAT);
        for (const Type t : spec.key) {
            const auto field = m.nest(NFTA_LIST_ELEM);
            m.put_be32(NFTA_SET_FIELD_LEN, static_cast<std::uint32_t>(size_of(t)));
        }
    }
    return *this;
}

Transaction& Transaction::delete_set(const std::string& table_name, Family family, const std::string& set) {
    Message& m = start(NFT_MSG_DELSET, 0, family, "deleting nftables set " + set);
    m.put_string(NFTA_SET_TABLE, table_name).put_string(NFTA_SET_NAME, set);
    return *this;
}

namespace {

void put_element(Message& m, const SetSpec& spec, const Element& e) {
    {
        const auto element = m.nest(NFTA_LIST_ELEM);
        put_data(m, NFTA_SET_ELEM_KEY, trimmed(e.key, spec.key));
        // Intervals of concatenations carry both ends in one element.
        if (spec.interval && spec.key.size() > 1)
            put_data(m, NFTA_SET_ELEM_KEY_END, e.key_end.empty() ? e.key : e.key_end);
        if (is_verdict_map(spec)) put_verdict(m, NFTA_SET_ELEM_DATA, e.verdict, e.chain);
        else if (!spec.data.empty()) put_data(m, NFTA_SET_ELEM_DATA, trimmed(e.data, spec.data));
    }
    if (!spec.interval || spec.key.size() > 1 || e.key_end.empty()) return;
    const auto end = m.nest(NFTA_LIST_ELEM);
    put_data(m, NFTA_SET_ELEM_KEY, trimmed(e.key_end, spec.key));
    m.put_be32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
}

} // namespace

void Transaction::elements(bool add, const std::string& table_name, Family family, const SetSpec& spec,
                           const std::vector<Element>& elements) {
    for (std::size_t from = 0; from < elements.size(); from += elements_per_message) {
        Message& m = start(add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0, family,
                           fmt::format("{} nftables set {}", add ? "adding to" : "removing from", spec.name));
        m.put_string(NFTA_SET_ELEM_LIST_TABLE, table_name).put_string(NFTA_SET_ELEM_LIST_SET, spec.name);
        const auto list = m.nest(NFTA_SET_ELEM_LIST_ELEMENTS);
        for (std::size_t i = from; i < std::min(from + elements_per_message, elements.size()); ++i)
            put_element(m, spec, elements[i]);
    }
}

Transaction& Transaction::add_elements(const std::string& table_name, Family family, const SetSpec& spec,
                                       const std::vector<Element>& list) {
    elements(true, table_name, family, spec, list);
    return *this;
}

Transaction& Transaction::delete_elements(const std::string& table_name, Family family, const SetSpec& spec,
                                          const std::vector<Element>& list) {
    elements(false, table_name, family, spec, list);
    return *this;
}

Transaction& Transaction::add_rule(const std::string& table_name, Family family, const std::string& chain,
                                   const Expressions& rule, std::string_view comment, bool insert) {
    Message& m = start(NFT_MSG_NEWRULE, NLM_F_CREATE | (insert ? 0 : NLM_F_APPEND), family,
                       "adding a rule to nftables chain " + chain);
    m.put_string(NFTA_RULE_TABLE, table_name).put_string(NFTA_RULE_CHAIN, chain);
    m.put(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, rule.bytes());
    if (!comment.empty()) m.put(NFTA_RULE_USERDATA, comment_userdata(comment));
    return *this;
}

Transaction& Transaction::delete_rule(const std::string& table_name, Family family, const std::string& chain,
                                      std::uint64_t handle) {
    Message& m = start(NFT_MSG_DELRULE, 0, family, "deleting a rule of nftables chain " + chain);
    m.put_string(NFTA_RULE_TABLE, table_name).put_string(NFTA_RULE_CHAIN, chain).put_be64(NFTA_RULE_HANDLE, handle);
    return *this;
}

void Transaction::commit(NetlinkSocket& netfilter) const {
    if (messages_.empty()) return;
    NetlinkSocket::BatchFailure failure;
    for (int i = 0; i < attempts; ++i) {
        failure = netfilter.transact(messages_);
        if (failure.errnum == 0) return;
        if (failure.errnum != EINTR && failure.errnum != EAGAIN) break; // somebody else's transaction came between
    }
    const std::string what = failure.index < messages_.size() ? messages_[failure.index].what : "changing nftables";
    throw failure.text.empty() ? sys_error(failure.errnum, "{}", what)
                               : sys_error(failure.errnum, "{}: {}", what, failure.text);
}

void create_or_replace(NetlinkSocket& netfilter, const std::function<Transaction(bool replace)>& render) {
    try {
        return render(false).commit(netfilter);
    } catch (const Error& e) {
        if (e.os().value() != EEXIST) throw;
    }
    render(true).commit(netfilter);
}

// --- reading back --------------------------------------------------------------------------------------

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
