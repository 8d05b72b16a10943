// One network as the supervisor sees it: its record, its options read, its addresses in use.
#pragma once

#include "net/bridge.hpp"
#include "net/ipam.hpp"
#include "net/shared_link.hpp"
#include "net/state.hpp"
#include "network/options.hpp"
#include "network/subnets.hpp"
#include "project/record.hpp"

#include <optional>
#include <string>

namespace davit::supervisor {

class Network {
public:
    explicit Network(NetworkRecord record);

    const NetworkRecord& record() const { return record_; }
    const std::string& name() const { return record_.name; }
    const NetworkOptions& options() const { return options_; }
    bool is_shared() const { return options_.shared.link.is_shared(); } // macvlan, ipvlan
    // No way out: as asked, or because there is nothing below the network's link.
    bool internal() const { return record_.internal || (is_shared() && options_.shared.parent.empty()); }
    // Unspecified: whatever is on the link.
    std::optional<net::IpAddress> gateway(bool v6) const;
    net::AddressPool* pool(bool v6);
    // The prefix of the subnet that the address is in.
    int prefix_of(const net::IpAddress& address) const;

    net::BridgeSpec bridge(std::uint32_t group) const;
    net::ParentSpec parent(std::uint32_t group) const;
    net::NetworkState state() const;

    bool in_kernel = false; // the bridge or parent was seen or made by this supervisor

private:
    NetworkRecord record_;
    NetworkOptions options_;
    std::optional<net::AddressPool> v4_, v6_;
};

} // namespace davit::supervisor
