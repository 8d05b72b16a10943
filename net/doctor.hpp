// What the kernel has that bears davit's mark, beside what the state files account for.
#pragma once

#include "net/netlink.hpp"
#include "net/state.hpp"

#include <string>
#include <vector>

namespace davit::net {

struct Finding {
    enum class Kind { bridge, veth, table, foreign_rule, sysctl, state_file, foreign_drop };
    Kind kind;
    std::string name;    // link, table, sysctl or file
    std::string project; // if known
    std::string text;    // one sentence: what and why it is a leak
    std::string remedy;  // how to remove it by hand; may be empty
};

// Everything of davit's in this namespace, whether expected or not (`system doctor --all`, leak checks).
std::vector<Finding> inventory(const std::string& run_dir);
// The run directory of another davit on this machine, and the projects that its supervisors and shims serve now.
struct OtherRoot {
    std::string run_dir;
    std::vector<std::string> live_projects;
};
// Only what no living project accounts for, of this root or another. live_projects: those with a running supervisor.
std::vector<Finding> find_leaks(const std::string& run_dir, const std::vector<std::string>& live_projects,
                                const std::vector<OtherRoot>& others = {});
// Removes a finding of the kinds bridge, veth, table, foreign_rule, sysctl, state_file. Up to 50 ms each.
void repair(const MachineLock& lock, const Finding& finding);

} // namespace davit::net
