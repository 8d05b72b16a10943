// What one service has, for the files that implement ServiceAddresses.
#pragma once

#include "base/hash.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/network/service_addresses.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace davit::supervisor {

struct ServiceAddresses::Service {
    net::ServiceState state;
    std::vector<ServicePort> host_mode; // as asked for
    // What is reserved: port by port, family by family. A socket is missing while a shim has it.
    std::vector<PublishedPort> ports;
    std::vector<UniqueFd> sockets;
    std::size_t turns = 0;
    bool told = false; // clients know its addresses, or did

    std::vector<std::string> names(const net::ServiceState::On& on) const {
        std::vector<std::string> out{state.name};
        for (const auto& alias : on.aliases)
            if (std::find(out.begin(), out.end(), alias) == out.end()) out.push_back(alias);
        return out;
    }
    auto backend(const std::string& container) {
        return std::find_if(state.backends.begin(), state.backends.end(),
                            [&](const auto& b) { return b.container == container; });
    }
    std::string proxy_id() const { return sha256_hex("service " + state.owner); } // as long as the proxy takes
};

} // namespace davit::supervisor
