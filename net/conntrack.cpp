#include "net/firewall.hpp"
#include "net/vips.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string>
#include <vector>

namespace davit::net {

namespace {

constexpr int type_of(int message) { return (NFNL_SUBSYS_CTNETLINK << 8) | message; }

// One entry: what was asked for, and who answers.
struct Flow {
    std::uint8_t family = 0, proto = 0;
    IpAddress to; // where the client sent it
    std::uint16_t to_port = 0;
    IpAddress from;    // who answers: the target of a translation
    std::string tuple; // the original one as the kernel sent it: sent back, it names the entry to delete
};

IpAddress address_in(const Attributes& ip, int v4, int v6) {
    if (const auto bytes = ip.find(v4); bytes.size() == 4)
        return IpAddress::v4_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()));
    if (const auto bytes = ip.find(v6); bytes.size() == 16)
        return IpAddress::v6_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()));
    return {};
}

Flow flow_of(const nlmsghdr* h) {
    const Attributes entry(h, sizeof(nfgenmsg)), reply = entry.nested(CTA_TUPLE_REPLY);
    const auto tuple = entry.find(CTA_TUPLE_ORIG);
    const Attributes original(tuple.data(), tuple.size());
    const Attributes proto = original.nested(CTA_TUPLE_PROTO);
    Flow f;
    f.family = header_of<nfgenmsg>(h).nfgen_family;
    f.proto = proto.u8(CTA_PROTO_NUM);
    f.to = address_in(original.nested(CTA_TUPLE_IP), CTA_IP_V4_DST, CTA_IP_V6_DST);
    f.from = address_in(reply.nested(CTA_TUPLE_IP), CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    if (const auto port = proto.find(CTA_PROTO_DST_PORT); port.size() == 2)
        f.to_port =
            static_cast<std::uint16_t>(static_cast<std::uint8_t>(port[0]) << 8 | static_cast<std::uint8_t>(port[1]));
    f.tuple = tuple;
    return f;
}

// Of both families: one walk through the table.
void end_flows(NetlinkSocket& netfilter, const char* what, const std::function<bool(const Flow&)>& wanted) {
    std::vector<Flow> flows;
    Message all(type_of(IPCTNL_MSG_CT_GET), 0, nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
    all.what = "listing connection tracking entries";
    try {
        netfilter.dump(
            all,
            [&](const nlmsghdr* h) {
                if (Flow f = flow_of(h); wanted(f)) flows.push_back(std::move(f));
            },
            [&] { flows.clear(); });
    } catch (const Error& e) {
        // Without ctnetlink nothing can be flushed: old flows end by their timeout.
        if (e.os().value() == EINVAL || e.os().value() == EOPNOTSUPP) return;
        throw;
    }
    for (const Flow& f : flows) {
        Message m(type_of(IPCTNL_MSG_CT_DELETE), 0, nfgenmsg{f.family, NFNETLINK_V0, 0});
        m.what = what;
        m.put(CTA_TUPLE_ORIG | NLA_F_NESTED, f.tuple);
        netfilter.request_allowing(std::move(m), {ENOENT});
    }
}

} // namespace

void flush_flows(NetlinkSocket& netfilter, const StaleFlows& stale) {
    if (stale.empty()) return;
    std::vector<const UdpPorts*> ports(65536);
    for (const UdpPorts& p : stale.ports)
        for (std::size_t i = p.first; i < std::size_t{p.first} + p.count && i < ports.size(); ++i) ports[i] = &p;
    const auto served_by = [](const std::vector<IpAddress>& targets, const Flow& f) {
        return std::find(targets.begin(), targets.end(), f.from) != targets.end();
    };
    end_flows(netfilter, "ending flows that nobody serves any more", [&](const Flow& f) {
        const bool translated = f.to != f.from;
        if (translated && (stale.gone.contains(f.from) || stale.gone.contains(f.to))) return true;
        if (f.proto != IPPROTO_UDP) return false;
        if (ports[f.to_port] && !served_by(ports[f.to_port]->stay, f)) return true;
        const auto service = stale.services.find(f.to);
        return translated && service != stale.services.end() && !served_by(service->second, f);
    });
}

void flush_udp_conntrack(NetlinkSocket& netfilter, const std::vector<UdpPorts>& ports) {
    flush_flows(netfilter, {ports, {}, {}});
}

} // namespace davit::net
