#include "net/nft.hpp"

#include "base/error.hpp"
#include "net/nft_wire.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

namespace davit::net::nft {

namespace {

// An attribute's length has 16 bits: elements go in several messages.
constexpr std::size_t elements_per_message = 300;
constexpr int attempts = 8;

// libnftnl's TLVs in userdata; 0 is the comment for tables, chains and rules alike.
std::string comment_userdata(std::string_view comment) {
    std::string tlv{'\0', static_cast<char>(comment.size() + 1)};
    tlv += comment;
    return tlv + '\0';
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

} // namespace

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

} // namespace davit::net::nft
