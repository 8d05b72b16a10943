// nf_tables transactions, encoded by hand over netlink: what the kernel gets is all or nothing.
#pragma once

#include "net/netlink.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <netinet/in.h> // before <linux/netfilter.h>, which else has these addresses itself
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::net::nft {

enum class Family : std::uint8_t { inet = 1, ip = 2, bridge = 7, ip6 = 10 };

// Type numbers that `nft list` understands; concatenations are or-ed six bits each.
enum class Type : std::uint32_t {
    verdict = 0xffffff00u,
    ipv4_addr = 7,
    ipv6_addr = 8,
    inet_proto = 12,
    inet_service = 13,
    mark = 19, // 32 bits in host order: the numbers of backends
    ifname = 41,
};

struct SetSpec {
    std::string name;
    std::vector<Type> key;
    std::vector<Type> data; // empty: a set; {Type::verdict}: a verdict map; others: a map
    bool interval = false;
};

// Key and data are concatenations of fields, each padded to four bytes (Fields).
class Fields {
public:
    Fields& ipv4(const std::uint8_t* bytes) { return raw({reinterpret_cast<const char*>(bytes), 4}); }
    Fields& ipv6(const std::uint8_t* bytes) { return raw({reinterpret_cast<const char*>(bytes), 16}); }
    Fields& proto(std::uint8_t p) { return raw({reinterpret_cast<const char*>(&p), 1}); }
    Fields& port(std::uint16_t p);
    Fields& ifname(std::string_view name); // 16 bytes
    Fields& number(std::uint32_t n);       // Type::mark
    Fields& raw(std::string_view bytes);
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

struct Element {
    std::string key;
    std::string key_end; // concatenated intervals: last key; single intervals: first key after; empty: one value
    std::string data;    // value of a map
    int verdict = 0;     // of a verdict map: NF_ACCEPT, NF_DROP, NFT_GOTO …
    std::string chain;   // target of goto/jump
    bool operator==(const Element&) const = default;
    auto operator<=>(const Element&) const = default;
};

// The expressions of one rule, in order. Registers: a 4-byte slot each, numbered from 0; a field that is
// longer takes the following slots too. Constants are those of linux/netfilter/nf_tables.h.
class Expressions {
public:
    Expressions();
    Expressions& meta(std::uint32_t key, unsigned slot = 0);
    Expressions& payload(std::uint32_t base, std::uint32_t offset, std::uint32_t size, unsigned slot = 0);
    Expressions& ct(std::uint32_t key, unsigned slot = 0);
    // Where the client of the connection sent it; 4 bytes, or 16 of IPv6.
    Expressions& original_destination(bool v6, unsigned slot = 0);
    Expressions& fib_type(bool source, unsigned slot = 0); // RTN_LOCAL … of an address
    Expressions& equal(std::string_view value, unsigned slot = 0, bool negate = false);
    // (slot & mask) != 0, mask in host order
    Expressions& any_bit(std::uint32_t mask, unsigned slot = 0);
    Expressions& load(std::string_view value, unsigned slot); // a constant
    Expressions& in_set(const std::string& set, bool negate = false, unsigned slot = 0);
    Expressions& from_map(const std::string& map, unsigned slot = 0, unsigned result = 0);
    // 0 … modulus-1 in host order, each in its turn, counted by the rule itself.
    Expressions& next_number(std::uint32_t modulus, unsigned slot);
    Expressions& verdict_from_map(const std::string& map, unsigned slot = 0);
    Expressions& verdict(int code, const std::string& chain = {});
    Expressions& dnat(bool v6, unsigned address_slot, int port_slot = -1);
    Expressions& masquerade();
    Expressions& redirect(); // to this machine
    // Not in chains of type nat.
    Expressions& reject_with_reset();
    Expressions& reject_port_unreachable(); // of either family, in an inet table
    Expressions& counter();

    // Shorthands
    Expressions& is_family(bool v6); // of a packet in an inet table
    Expressions& name_is(bool input, std::string_view name, bool negate = false);
    Expressions& name_begins(bool input, std::string_view prefix);
    Expressions& name_in(bool input, const std::string& set, bool negate = false);
    Expressions& accept() { return verdict(1); }
    Expressions& drop() { return verdict(0); }

    std::string_view bytes() const;

private:
    template <typename Fill>
    Expressions& add(const char* name, Fill fill);
    Message list_;
};

class Transaction {
public:
    Transaction() = default;

    // comment: as `nft list` prints it, and how a table is recognised
    Transaction& add_table(Family family, const std::string& name, std::string_view comment = {});
    // Fails with EEXIST where there is one.
    Transaction& create_table(Family family, const std::string& name, std::string_view comment = {});
    Transaction& delete_table(Family family, const std::string& name);
    Transaction& add_chain(const std::string& table_name, Family family, const std::string& chain);
    // With its rules; nothing may lead to it any more.
    Transaction& delete_chain(const std::string& table_name, Family family, const std::string& chain);
    Transaction& flush_chain(const std::string& table_name, Family family, const std::string& chain);
    struct Hook {
        std::string type; // "filter", "nat"
        std::uint32_t hook;
        std::int32_t priority;
        bool drop = false; // policy
    };
    Transaction& add_base_chain(const std::string& table_name, Family family, const std::string& chain,
                                const Hook& hook);
    Transaction& add_set(const std::string& table_name, Family family, const SetSpec& spec);
    // With its elements; no rule may use it any more.
    Transaction& delete_set(const std::string& table_name, Family family, const std::string& set);
    Transaction& add_elements(const std::string& table_name, Family family, const SetSpec& spec,
                              const std::vector<Element>& elements);
    Transaction& delete_elements(const std::string& table_name, Family family, const SetSpec& spec,
                                 const std::vector<Element>& elements);
    // userdata comment as `nft list` prints it; insert: at the head of the chain.
    Transaction& add_rule(const std::string& table_name, Family family, const std::string& chain,
                          const Expressions& rule, std::string_view comment = {}, bool insert = false);
    Transaction& delete_rule(const std::string& table_name, Family family, const std::string& chain,
                             std::uint64_t handle);

    bool empty() const { return messages_.empty(); }
    std::size_t size() const { return messages_.size(); }
    const std::vector<Message>& messages() const { return messages_; }
    // Sends it; an error names the step. EINTR/EAGAIN (generation moved on) is tried again.
    void commit(NetlinkSocket& netfilter) const;

private:
    Message& start(int type, int flags, Family family, std::string what);
    void elements(bool add, const std::string& table_name, Family family, const SetSpec& spec,
                  const std::vector<Element>& elements);
    std::uint32_t next_set_id_ = 1;
    std::vector<Message> messages_;
};

// Commits render(false), whose create_table() fails where the table is, and then render(true), which
// replaces it: what a transaction deletes is freed after an RCU grace period, and closing the socket waits
// for that (10 ms).
void create_or_replace(NetlinkSocket& netfilter, const std::function<Transaction(bool replace)>& render);

// --- reading back ---------------------------------------------------------------------------------------
// Comment of a table; empty optional: there is no such table.
std::optional<std::string> table_comment(NetlinkSocket& netfilter, Family family, const std::string& name);

struct ChainInfo {
    Family family;
    std::string table, name;
    bool base = false;
    std::string type;
    std::uint32_t hook = 0;
    std::int32_t priority = 0;
    bool drop = false;
};
std::vector<ChainInfo> list_chains(NetlinkSocket& netfilter);
struct RuleInfo {
    std::uint64_t handle = 0;
    std::string comment;
    bool cuts = false; // a drop or reject without a condition: what comes to it goes no further
};
// RuleInfo::cuts of a rule's message.
bool rule_cuts(const Attributes& rule);
std::vector<RuleInfo> list_rules(NetlinkSocket& netfilter, Family family, const std::string& table,
                                 const std::string& chain);

} // namespace davit::net::nft
