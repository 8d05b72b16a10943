// What nft.cpp, nft_expressions.cpp and nft_list.cpp share of the encoding.
#pragma once

#include "net/netlink.hpp"
#include "net/nft.hpp"

#include <arpa/inet.h> // before linux/netfilter.h, which else defines its types
#include <cstddef>
#include <cstdint>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string>
#include <string_view>

namespace davit::net::nft {

inline constexpr std::size_t ifname_size = 16;

inline void put_data(Message& m, int attribute, std::string_view value) {
    const auto nest = m.nest(attribute);
    m.put(NFTA_DATA_VALUE, value);
}

inline void put_verdict(Message& m, int attribute, int code, const std::string& chain) {
    const auto data = m.nest(attribute);
    const auto verdict = m.nest(NFTA_DATA_VERDICT);
    m.put_be32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
    if (!chain.empty()) m.put_string(NFTA_VERDICT_CHAIN, chain);
}

inline nfgenmsg family_header(Family family) { return {static_cast<std::uint8_t>(family), NFNETLINK_V0, 0}; }

inline int type_of(int message) { return (NFNL_SUBSYS_NFTABLES << 8) | message; }

} // namespace davit::net::nft
