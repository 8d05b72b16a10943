// What other projects hold of a network stands in their files; it counts while an address is chosen.
#pragma once

#include "net/dns/registry.hpp"
#include "net/ipam.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::supervisor {

class ForeignAddresses {
public:
    using Files = std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>>;
    ForeignAddresses(net::AddressPool& pool, const Files& files);
    ~ForeignAddresses();
    ForeignAddresses(const ForeignAddresses&) = delete;

private:
    net::AddressPool& pool_;
    std::vector<net::IpAddress> reserved_;
};

} // namespace davit::supervisor
