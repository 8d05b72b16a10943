// Notices what others do to the host's firewall and forwarding while projects run: a flushed ruleset,
// a reloaded firewall whose forward chain drops, ip_forward switched off. Nothing is polled.
#pragma once

#include "base/fd.hpp"

#include <string_view>

namespace davit::net {

class FirewallWatch {
public:
    // In the namespace the caller is in. Throws when the kernel gives no such sockets.
    FirewallWatch();

    int nftables_fd() const { return nftables_.get(); }
    int sysctl_fd() const { return sysctl_.get(); }
    // Reads what came; true if heal() (firewall.hpp) has to look. Never blocks.
    bool read_nftables();
    bool read_sysctl();

private:
    UniqueFd nftables_, sysctl_;
};

// Pure: does one datagram of NFNLGRP_NFTABLES tell of something that concerns us? Our own changes do not,
// except that our table went, which heal() finds to be there again.
bool concerns_us(std::string_view nftables_messages);
// Same for RTNLGRP_IPV4_NETCONF: forwarding of the machine was switched off.
bool forwarding_went(std::string_view netconf_messages);

} // namespace davit::net
