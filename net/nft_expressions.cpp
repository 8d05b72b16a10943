#include "net/nft.hpp"

#include "net/nft_wire.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

namespace davit::net::nft {

namespace {

constexpr std::size_t header_length = 16; // of a netlink message

std::uint32_t register_of(unsigned slot) { return NFT_REG32_00 + slot; }

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

} // namespace davit::net::nft
