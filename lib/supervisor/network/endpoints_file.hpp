// <run>/networks/<network>/<project>.json: which endpoints a project has on a network. Each
// supervisor writes its own and reads the others': names for DNS, addresses that are in use.
#pragma once

#include "net/dns/registry.hpp"
#include "net/vips.hpp"
#include "project/paths.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::supervisor {

std::string endpoints_dir(const Roots& roots, const std::string& network);
// What a project has on a network as one of its members.
struct OnNetwork {
    std::vector<net::dns::NamedEndpoint> endpoints; // containers, and what services are called
    net::VipTable services;  // virtual addresses, for the namespaces of all who are on the network
    std::int64_t change = 0; // of services and of what leaves: grows with each
    // In quarantine: nobody has these any more, and flows that lead there are to end. They are endpoints too, so that
    // no other project takes them.
    std::set<net::IpAddress> leaving;
};
// Of those that `leaving` says; nobody is there any more.
bool is_leaving(const net::dns::NamedEndpoint& endpoint);
// Nothing: the file is removed, and the directory if it is empty then.
void write_endpoints(const Roots& roots, const std::string& network, const std::string& project, const OnNetwork& own);
// Of all other projects, by name; virtual addresses are endpoints too. Files that are no records are skipped.
std::vector<std::pair<std::string, OnNetwork>> read_foreign(const Roots& roots, const std::string& network,
                                                            const std::string& own_project);
std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> read_foreign_endpoints(
    const Roots& roots, const std::string& network, const std::string& own_project);

// <run>/networks/<network>/<project>.applied: up to which change the project's clients have the services of others.
using AppliedChanges = std::map<std::string, std::int64_t>; // by the others' projects
inline constexpr std::string_view applied_suffix = ".applied";
void write_applied(const Roots& roots, const std::string& network, const std::string& project,
                   const AppliedChanges& applied);
AppliedChanges read_applied(const Roots& roots, const std::string& network, const std::string& project);

} // namespace davit::supervisor
