// nf_tables transactions, encoded by hand over netlink: what the kernel gets is all or nothing.
#pragma once

#include "net/netlink.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::net::nft {

enum class Family : std::uint8_t { inet = 1, ip = 2, bridge = 7, ip6 = 10 };

class Expressions;

// Type numbers that `nft list` understands; concatenations are or-ed six bits each.
enum class Type : std::uint32_t {
    verdict = 0xffffff00u, ipv4_addr = 7, ipv6_addr = 8, inet_proto = 12, inet_service = 13, ifname = 41,
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
    Fields& raw(std::string_view bytes);
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

struct Element {
    std::string key;
    std::string key_end;  // concatenated intervals: last key; single intervals: first key after; empty: one value
    std::string data;     // value of a map
    int verdict = 0;      // of a verdict map: NF_ACCEPT, NF_DROP, NFT_GOTO …
    std::string chain;    // target of goto/jump
    bool operator==(const Element&) const = default;
    auto operator<=>(const Element&) const = default;
};

class Transaction {
public:
    Transaction();

    Transaction& add_table(Family family, const std::string& name);
    Transaction& delete_table(Family family, const std::string& name);
    Transaction& add_chain(const std::string& table_name, Family family, const std::string& chain);
    struct Hook {
        std::string type; // "filter", "nat"
        std::uint32_t hook;
        std::int32_t priority;
        bool drop = false; // policy
    };
    Transaction& add_base_chain(const std::string& table_name, Family family, const std::string& chain, const Hook& hook);
    Transaction& add_set(const std::string& table_name, Family family, const SetSpec& spec);
    Transaction& add_elements(const std::string& table_name, Family family, const SetSpec& spec, const std::vector<Element>& elements);
    Transaction& delete_elements(const std::string& table_name, Family family, const SetSpec& spec, const std::vector<Element>& elements);
    // userdata comment as `nft list` prints it; insert: at the head of the chain.
    Transaction& add_rule(const std::string& table_name, Family family, const std::string& chain, const Expressions& rule,
                          std::string_view comment = {}, bool insert = false);
    Transaction& delete_rule(const std::string& table_name, Family family, const std::string& chain, std::uint64_t handle);

    bool empty() const { return messages_.empty(); }
    std::size_t size() const { return messages_.size(); }
    const std::vector<Message>& messages() const { return messages_; }
    // Sends it; an error names the step. EINTR/EAGAIN (generation moved on) is tried again.
    void commit(NetlinkSocket& netfilter) const;

private:
    Message& start(int type, int flags, Family family, std::string what);
    void elements(bool add, const std::string& table_name, Family family, const SetSpec& spec, const std::vector<Element>& elements);
    std::uint32_t next_set_id_ = 1;
    std::vector<Message> messages_;
};

} // namespace davit::net::nft
