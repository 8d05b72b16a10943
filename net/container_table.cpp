#include "net/firewall.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string_view>

using namespace std::string_view_literals;

namespace davit::net {

namespace {

constexpr const char* table = "davit";
constexpr std::string_view dns_address = "\x7f\x00\x00\x0b"sv;
constexpr std::string_view dns_port = "\x00\x35"sv;
constexpr std::uint32_t daddr_offset = 16, dport_offset = 2;

void redirect(nft::Transaction& t, std::uint8_t proto, std::uint16_t to) {
    const std::uint16_t port = htons(to);
    nft::Expressions e;
    e.payload(NFT_PAYLOAD_NETWORK_HEADER, daddr_offset, 4).equal(dns_address);
    e.meta(NFT_META_L4PROTO).equal({reinterpret_cast<const char*>(&proto), 1});
    e.payload(NFT_PAYLOAD_TRANSPORT_HEADER, dport_offset, 2).equal(dns_port);
    e.load(dns_address, 0).load({reinterpret_cast<const char*>(&port), sizeof port}, 1).dnat(false, 0, 1);
    t.add_rule(table, nft::Family::ip, "output", e);
}

} // namespace

nft::Transaction render_container(std::uint16_t udp_port, std::uint16_t tcp_port, bool replace) {
    nft::Transaction t;
    if (replace)
        t.add_table(nft::Family::ip, table).delete_table(nft::Family::ip, table).add_table(nft::Family::ip, table);
    else t.create_table(nft::Family::ip, table);
    t.add_base_chain(table, nft::Family::ip, "output", {"nat", NF_INET_LOCAL_OUT, -100, false});
    redirect(t, IPPROTO_UDP, udp_port);
    redirect(t, IPPROTO_TCP, tcp_port);
    return t;
}

void redirect_dns(int netns_fd, std::uint16_t udp_port, std::uint16_t tcp_port) {
    NetlinkSocket netfilter(NETLINK_NETFILTER, netns_fd);
    in_context("redirecting DNS in a container", [&] {
        nft::create_or_replace(netfilter, [&](bool replace) { return render_container(udp_port, tcp_port, replace); });
    });
}

} // namespace davit::net
