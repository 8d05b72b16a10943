// <run>/networks/<network>/<project>.json: which endpoints a project has on a network. Each
// supervisor writes its own and reads the others': names for DNS, addresses that are in use.
#pragma once

#include "net/dns/registry.hpp"
#include "project/paths.hpp"

#include <string>
#include <utility>
#include <vector>

namespace davit::supervisor {

std::string endpoints_dir(const Roots& roots, const std::string& network);
// No endpoints: the file is removed, and the directory if it is empty then.
void write_endpoints(const Roots& roots, const std::string& network, const std::string& project,
                     const std::vector<net::dns::NamedEndpoint>& endpoints);
// Of all other projects: (project, its endpoints). Files that are no records are skipped.
std::vector<std::pair<std::string, std::vector<net::dns::NamedEndpoint>>> read_foreign_endpoints(
    const Roots& roots, const std::string& network, const std::string& own_project);

} // namespace davit::supervisor
