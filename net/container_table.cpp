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

struct Redirect {
    std::string_view address, port; // as they stand in a packet
    std::uint8_t proto;
    std::uint16_t to;
};

void redirect(nft::Transaction& t, const char* in, const Redirect& r) {
    const std::uint16_t port = htons(r.to);
    nft::Expressions e;
    e.payload(NFT_PAYLOAD_NETWORK_HEADER, daddr_offset, 4).equal(r.address);
    e.meta(NFT_META_L4PROTO).equal({reinterpret_cast<const char*>(&r.proto), 1});
    e.payload(NFT_PAYLOAD_TRANSPORT_HEADER, dport_offset, 2).equal(r.port);
    e.load(r.address, 0).load({reinterpret_cast<const char*>(&port), sizeof port}, 1).dnat(false, 0, 1);
    t.add_rule(in, nft::Family::ip, "output", e);
}

void new_table(nft::Transaction& t, const char* name, bool replace) {
    if (replace)
        t.add_table(nft::Family::ip, name).delete_table(nft::Family::ip, name).add_table(nft::Family::ip, name);
    else t.create_table(nft::Family::ip, name);
    t.add_base_chain(name, nft::Family::ip, "output", {"nat", NF_INET_LOCAL_OUT, -100, false});
}

} // namespace

nft::Transaction render_container(std::uint16_t udp_port, std::uint16_t tcp_port, bool replace) {
    nft::Transaction t;
    new_table(t, table, replace);
    redirect(t, table, {dns_address, dns_port, IPPROTO_UDP, udp_port});
    redirect(t, table, {dns_address, dns_port, IPPROTO_TCP, tcp_port});
    return t;
}

void redirect_tcp(int netns_fd, const char* name, std::uint32_t address, std::uint16_t port, std::uint16_t to) {
    const std::uint32_t at = htonl(address);
    const std::uint16_t from = htons(port);
    const Redirect wanted{{reinterpret_cast<const char*>(&at), sizeof at},
                          {reinterpret_cast<const char*>(&from), sizeof from},
                          IPPROTO_TCP,
                          to};
    NetlinkSocket netfilter(NETLINK_NETFILTER, netns_fd);
    nft::create_or_replace(netfilter, [&](bool replace) {
        nft::Transaction t;
        new_table(t, name, replace);
        redirect(t, name, wanted);
        return t;
    });
}

void redirect_dns(int netns_fd, std::uint16_t udp_port, std::uint16_t tcp_port) {
    NetlinkSocket netfilter(NETLINK_NETFILTER, netns_fd);
    in_context("redirecting DNS in a container", [&] {
        nft::create_or_replace(netfilter, [&](bool replace) { return render_container(udp_port, tcp_port, replace); });
    });
}

} // namespace davit::net
