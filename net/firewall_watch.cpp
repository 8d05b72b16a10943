#include "net/firewall_watch.hpp"

#include "base/error.hpp"
#include "net/host_table.hpp"
#include "net/netlink.hpp"
#include "net/nft.hpp"

#include <cerrno>
#include <linux/netconf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <vector>

namespace davit::net {

namespace {

constexpr std::size_t receive_size = 64 * 1024;

UniqueFd listen_to(int protocol, int group) {
    UniqueFd s(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    sockaddr_nl at{};
    at.nl_family = AF_NETLINK;
    if (!s || ::bind(s.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) < 0 ||
        ::setsockopt(s.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
        throw sys_error(errno, "watching the firewall");
    return s;
}

template <typename Fn>
bool any_message(std::string_view bytes, Fn fn) {
    while (bytes.size() >= sizeof(nlmsghdr)) {
        const auto* h = reinterpret_cast<const nlmsghdr*>(bytes.data());
        if (h->nlmsg_len < sizeof(nlmsghdr) || h->nlmsg_len > bytes.size()) return false;
        if (fn(h)) return true;
        bytes.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(h->nlmsg_len), bytes.size()));
    }
    return false;
}

// Every datagram; one that did not fit into the socket's buffer may have been anything.
template <typename Fn>
bool read_all(int socket, Fn concerns) {
    static std::vector<char> buffer(receive_size);
    bool found = false;
    for (;;) {
        const ssize_t n = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == ENOBUFS) {
            found = true;
            continue;
        }
        if (n <= 0) return found;
        const auto size = static_cast<std::size_t>(n);
        if (!found) found = size > buffer.size() || concerns(std::string_view(buffer.data(), size));
    }
}

bool message_concerns_us(const nlmsghdr* h) {
    if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || h->nlmsg_len < NLMSG_LENGTH(sizeof(nfgenmsg))) return false;
    const bool inet = header_of<nfgenmsg>(h).nfgen_family == NFPROTO_INET;
    const Attributes a(h, sizeof(nfgenmsg));
    switch (h->nlmsg_type & 0xff) {
    case NFT_MSG_DELTABLE: return inet && a.text(NFTA_TABLE_NAME) == host_table_name;
    case NFT_MSG_NEWCHAIN: {
        // A base chain of somebody else that looks at forwarded packets, or Docker's place for rules like ours.
        if (inet && a.text(NFTA_CHAIN_TABLE) == host_table_name) return false;
        const bool forwards =
            a.has(NFTA_CHAIN_HOOK) && a.nested(NFTA_CHAIN_HOOK).be32(NFTA_HOOK_HOOKNUM, ~0u) == NF_INET_FORWARD;
        return forwards || a.text(NFTA_CHAIN_NAME) == "DOCKER-USER";
    }
    case NFT_MSG_NEWRULE: // a firewall that was reloaded step by step ends so
        return !(inet && a.text(NFTA_RULE_TABLE) == host_table_name) && nft::rule_cuts(a);
    case NFT_MSG_DELRULE: // ours in their chain, perhaps
        return !(inet && a.text(NFTA_RULE_TABLE) == host_table_name) && a.has(NFTA_RULE_USERDATA);
    default: return false;
    }
}

} // namespace

FirewallWatch::FirewallWatch()
    : nftables_(listen_to(NETLINK_NETFILTER, NFNLGRP_NFTABLES)),
      sysctl_(listen_to(NETLINK_ROUTE, RTNLGRP_IPV4_NETCONF)) {}

bool concerns_us(std::string_view messages) { return any_message(messages, message_concerns_us); }

bool forwarding_went(std::string_view messages) {
    return any_message(messages, [](const nlmsghdr* h) {
        if (h->nlmsg_type != RTM_NEWNETCONF || h->nlmsg_len < NLMSG_LENGTH(sizeof(netconfmsg))) return false;
        const Attributes a(h, sizeof(netconfmsg));
        return a.u32(NETCONFA_IFINDEX) == static_cast<std::uint32_t>(NETCONFA_IFINDEX_ALL) &&
               a.has(NETCONFA_FORWARDING) && a.u32(NETCONFA_FORWARDING) == 0;
    });
}

bool FirewallWatch::read_nftables() { return read_all(nftables_.get(), concerns_us); }
bool FirewallWatch::read_sysctl() { return read_all(sysctl_.get(), forwarding_went); }

} // namespace davit::net
