// One network as the supervisor sees it: its record, its options read, its addresses in use.
#pragma once

#include "net/bridge.hpp"
#include "net/ipam.hpp"
#include "net/state.hpp"
#include "project/record.hpp"

#include <optional>
#include <string>

namespace davit::supervisor {

// com.docker.network.* driver options.
struct NetworkOptions {
    std::string bridge_name;              // bridge.name; empty: derived
    unsigned mtu = 0;                     // driver.mtu
    bool icc = true;                      // bridge.enable_icc
    bool masquerade = true;               // bridge.enable_ip_masquerade
    bool default_bridge = false;          // bridge.default_bridge: addresses only, no embedded DNS
    bool isolated = false;                // bridge.gateway_mode_ipv4=isolated: no address on the bridge
    std::string interface_prefix = "eth"; // container_iface_prefix
};
// Throws invalid_project for a value that is none.
NetworkOptions network_options(const NetworkRecord& record);

class Network {
public:
    explicit Network(NetworkRecord record);

    const NetworkRecord& record() const { return record_; }
    const std::string& name() const { return record_.name; }
    const NetworkOptions& options() const { return options_; }
    std::optional<net::IpAddress> gateway(bool v6) const;
    net::AddressPool* pool(bool v6);
    // The prefix of the subnet that the address is in.
    int prefix_of(const net::IpAddress& address) const;

    net::BridgeSpec bridge(std::uint32_t group) const;
    net::NetworkState state() const;

    bool in_kernel = false; // the bridge was seen or made by this supervisor

private:
    NetworkRecord record_;
    NetworkOptions options_;
    std::optional<net::AddressPool> v4_, v6_;
};

// Chooses the subnets that the record leaves open and the bridge's name; with what the user wrote, checks it.
// taken: routes, addresses and the subnets of other networks. salt: another place in the pools than the usual.
// Throws conflict, invalid_project, unsupported.
void complete(NetworkRecord& record, const std::vector<net::Taken>& taken, const std::string& machine_id,
              const std::string& salt = {});
// Subnets of networks that have no kernel link at the moment.
std::vector<net::Taken> taken_by(const std::vector<NetworkRecord>& records, const std::string& except);

} // namespace davit::supervisor
