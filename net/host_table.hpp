// The names and shapes in the table `inet davit`; shared by rendering and its tests.
#pragma once

#include "net/balance.hpp"
#include "net/nft.hpp"
#include "net/state.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::net {

inline constexpr const char* host_table_name = "davit";
// Changes with every change of chains, rules or sets: an older davit's table is replaced.
inline constexpr const char* host_table_version = "davit host table 2";

// Every set of the table, in the order of creation.
const std::vector<nft::SetSpec>& host_sets();
// What the state puts into each of host_sets(), sorted and without doubles; services' chains and targets aside.
std::vector<std::vector<nft::Element>> host_elements(const HostNetworkState& state);
// The targets of all services: of their virtual addresses for processes of the host, and of their published ports.
Balances host_balances(const HostNetworkState& state);

} // namespace davit::net
