// Where the machine's network state stands under <run>; shared inside net/.
#pragma once

#include "net/state.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::net {

std::string net_dir(const std::string& run_dir);
std::string projects_dir(const std::string& run_dir);
std::string project_file(const std::string& run_dir, const std::string& project);
std::string forwarding_file(const std::string& run_dir);
// What names of the kernel's objects have in them of their state root: nothing for the usual one.
std::string root_suffix(std::string_view run_dir);

// Sysctls of the host that were changed for all projects together, with their values before.
struct ChangedSysctls {
    std::vector<std::pair<std::string, std::string>> before; // key with slashes, value
    bool has(const std::string& key) const;
    bool close_foreign() const; // ip_forward was off
};
ChangedSysctls load_forwarding(const std::string& run_dir);
// Drops one entry; the file goes with the last one.
void forget_sysctl(const std::string& run_dir, const std::string& key);
void save_forwarding(const std::string& run_dir, const ChangedSysctls& changed);

} // namespace davit::net
