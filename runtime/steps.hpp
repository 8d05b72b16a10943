// Spec → the bytes that the shim and the container's init execute: typed steps, the seccomp filter
// ready to load, nothing left to parse, look up or allocate (DESIGN §4). The format is read by
// runtime/exec only, validated there on every read, and bound to this machine's cgroup layout and
// architecture: recompile after a reboot.
#pragma once

#include "runtime/host_facts.hpp"
#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::runtime {

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
std::string describe(const std::string& steps);

} // namespace davit::runtime
