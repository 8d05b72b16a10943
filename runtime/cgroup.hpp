// Control groups from outside: listing, freezing, killing, removing. Creation and
// limits are steps, done by the shim. Paths are relative to each hierarchy
// ("davit/<project>/<id>"); hierarchies as in HostFacts. All calls block briefly; none throws for a group that is gone.
#pragma once

#include "base/fd.hpp"
#include "runtime/host_facts.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace davit::runtime {

// All processes in it and below.
std::vector<pid_t> cgroup_processes(const HostFacts& host, const std::string& cgroup);
// SIGKILL to all, also in a frozen group or a foreign pid namespace.
void cgroup_kill(const HostFacts& host, const std::string& cgroup);
// Makes the group in the v2 hierarchy only, for CLONE_INTO_CGROUP; empty where there is none.
UniqueFd make_v2_cgroup(const HostFacts& host, const std::string& cgroup);
// Makes the group in every hierarchy and moves this (single-threaded) process there: supervisors
// and shims leave their caller's group. No limits.
void join_cgroup(const HostFacts& host, const std::string& cgroup);
// Removes it and all below, in all hierarchies; waits up to 2 s for dying tasks to leave.
// false: something still runs in it.
bool remove_cgroup(const HostFacts& host, const std::string& cgroup);
// Removes it where nothing is in it, neither a task nor a group, and waits for nothing: what several
// projects share, and any of them may be filling at this moment.
void remove_empty_cgroup(const HostFacts& host, const std::string& cgroup);
// Children of the group in any hierarchy: ids of a project's containers.
std::vector<std::string> cgroup_children(const HostFacts& host, const std::string& cgroup);

} // namespace davit::runtime
