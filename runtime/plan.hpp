// Spec → the bytes that the shim and the container's init execute: typed steps, the seccomp filter
// ready to load, nothing left to parse, look up or allocate (DESIGN §4). The format is read by
// runtime/exec only, validated there on every read, and bound to this machine's cgroup layout and
// architecture: recompile after a reboot.
#pragma once

#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::runtime {

struct CgroupHierarchy {
    std::string mount_point;              // "/sys/fs/cgroup/memory"
    std::vector<std::string> controllers; // {"cpu","cpuacct"}; {} for name=systemd
    bool v2 = false;
    bool named = false; // v1 without controllers, such as systemd's
};

struct HostFacts {
    std::vector<CgroupHierarchy> cgroups;
    bool cgroup_v2_only = false;
    int last_capability = 40;
    CapSet grantable = 0;
    bool seccomp = true;
    bool apparmor = false;
    // Reads /proc and /sys of this process; 0.1 ms.
    static HostFacts probe();
};

struct CompileOptions {
    std::string bpf_cache_dir; // filters are kept here by the hash of their input; empty: not kept
};

// Throws invalid_project for what no container can have (a sysctl of the whole machine, an unknown
// seccomp action), unsupported for what this machine lacks, not_found for a missing block device.
// What Docker accepts with a warning is appended to *warnings.
std::string compile(const Spec& spec, const HostFacts& host, const CompileOptions& options = {},
                    std::vector<std::string>* warnings = nullptr);
std::string compile_exec(const ExecSpec& spec, const HostFacts& host, const CompileOptions& options = {},
                         std::vector<std::string>* warnings = nullptr);
// Only limits: for ShimConnection::update_limits().
std::string compile_update(const std::string& cgroup, const Resources& resources, const HostFacts& host,
                           std::vector<std::string>* warnings = nullptr);
// One line per step, for tests and `davit system explain`.
std::string describe(const std::string& plan);

} // namespace davit::runtime
