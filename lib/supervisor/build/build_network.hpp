// The one bridge that all builds of a state root share: made by the first step that needs it, gone with the last build.
// Blocks on the machine's lock, as long as another process changes the network.
#pragma once

#include "base/fd.hpp"
#include "net/ipam.hpp"
#include "net/netlink.hpp"
#include "net/state.hpp"
#include "project/paths.hpp"

#include <map>
#include <string>

namespace davit::supervisor {

class BuildNetwork {
public:
    BuildNetwork(Roots roots, std::string build);
    BuildNetwork(const BuildNetwork&) = delete;

    // A namespace with an address on the bridge and a way out; the address is the step's until disconnect().
    UniqueFd connect(const std::string& step);
    void disconnect(const std::string& step);
    // The host's address on the bridge, once a step is connected.
    net::IpAddress gateway() const;
    // Takes everything of this build away, and the bridge when no other build is on it. Call once nothing runs.
    void close();

private:
    void join(const net::MachineLock& lock);
    net::Subnet choose(const net::HostNetworkState& all);
    net::IpAddress lease(const std::string& step);
    void write_leases();

    Roots roots_;
    std::string build_;
    net::NetlinkSocket host_;
    net::ProjectNetState state_;
    std::map<std::string, net::IpAddress> addresses_; // by step
    bool joined_ = false;
};

} // namespace davit::supervisor
