#include "net/firewall.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string>
#include <vector>

namespace davit::net {

namespace {

constexpr int type_of(int message) { return (NFNL_SUBSYS_CTNETLINK << 8) | message; }

// The original tuple as the kernel sent it: sent back, it names the entry to delete.
struct Flow {
    std::uint8_t family;
    std::string tuple;
};

// Of both families: one walk through the table.
std::vector<Flow> udp_flows_to(NetlinkSocket& netfilter, const std::vector<bool>& wanted) {
    std::vector<Flow> flows;
    Message m(type_of(IPCTNL_MSG_CT_GET), 0, nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
    m.what = "listing connection tracking entries";
    netfilter.dump(
        m,
        [&](const nlmsghdr* h) {
            const auto tuple = Attributes(h, sizeof(nfgenmsg)).find(CTA_TUPLE_ORIG);
            const Attributes proto = Attributes(tuple.data(), tuple.size()).nested(CTA_TUPLE_PROTO);
            if (proto.u8(CTA_PROTO_NUM) != IPPROTO_UDP) return;
            const auto bytes = proto.find(CTA_PROTO_DST_PORT);
            if (bytes.size() != 2) return;
            const auto port = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0]) << 8 |
                                                       static_cast<std::uint8_t>(bytes[1]));
            if (wanted[port]) flows.push_back({header_of<nfgenmsg>(h).nfgen_family, std::string(tuple)});
        },
        [&] { flows.clear(); });
    return flows;
}

} // namespace

void flush_udp_conntrack(NetlinkSocket& netfilter, const std::vector<UdpPorts>& ports) {
    if (ports.empty()) return;
    std::vector<bool> wanted(65536);
    for (const UdpPorts& p : ports)
        for (std::size_t i = p.first; i < std::size_t{p.first} + p.count && i < wanted.size(); ++i) wanted[i] = true;
    std::vector<Flow> flows;
    try {
        flows = udp_flows_to(netfilter, wanted);
    } catch (const Error& e) {
        // Without ctnetlink nothing can be flushed: old flows end by their timeout.
        if (e.os().value() == EINVAL || e.os().value() == EOPNOTSUPP) return;
        throw;
    }
    for (const Flow& f : flows) {
        Message m(type_of(IPCTNL_MSG_CT_DELETE), 0, nfgenmsg{f.family, NFNETLINK_V0, 0});
        m.what = "ending UDP flows to a published port";
        m.put(CTA_TUPLE_ORIG | NLA_F_NESTED, f.tuple);
        netfilter.request_allowing(std::move(m), {ENOENT});
    }
}

} // namespace davit::net
