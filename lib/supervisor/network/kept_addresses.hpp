// <state>/addresses/<network>/<project>.json: which address of the network belongs to which place in the
// project ("web/1"), used or not. It outlives containers, supervisors and boots, and goes with the project.
#pragma once

#include "net/address.hpp"
#include "project/paths.hpp"
#include "project/record.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

using KeptAddresses = std::map<std::string, std::vector<net::IpAddress>>; // by holder, one of a family

// The place that the container fills, outside of compose files the container itself; empty for a one-off and what goes
// with its end, for which nothing is kept.
std::string holder_of(const ContainerRecord& record);

// A file that is none is as if it were missing: a warning, and other addresses.
KeptAddresses read_kept(const Roots& roots, const std::string& network, const std::string& project);
void write_kept(const Roots& roots, const std::string& network, const std::string& project, const KeptAddresses& kept);
// What all other projects keep on the network.
std::set<net::IpAddress> kept_by_others(const Roots& roots, const std::string& network, const std::string& own_project);

} // namespace davit::supervisor
