// What a running container uses, and the processes in it. Plain values.
//
// Nothing here blocks but on procfs and cgroupfs, takes a lock or needs a supervisor; any thread may call. A container
// that does not run has no processes and uses nothing.
#pragma once

#include "davit/container.hpp"

#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ContainerStats {
    std::int64_t taken_ns = 0;                  // CLOCK_MONOTONIC: two samples make a use of the processor
    std::uint64_t cpu_ns = 0;                   // of all its processors, since it was started
    std::uint64_t memory = 0, memory_limit = 0; // bytes; without page cache that can be dropped
    std::uint64_t block_read = 0, block_written = 0;
    std::uint64_t network_received = 0, network_sent = 0; // of all interfaces but lo
    std::uint64_t pids = 0;
};

// From its cgroups (v1 and v2) and its network namespace; zeros for what cannot be read.
ContainerStats stats(const ContainerInfo& container);

struct ProcessInfo {  // as `ps -ef` shows it
    std::string user; // name of the uid on this machine, else the number
    int pid = 0, parent = 0;
    std::string cpu;     // use since its start, in percent
    std::string started; // "11:56", "Nov21", "2025"
    std::string terminal;
    std::string time; // CPU time "00:00:03"
    std::string command;
};

// All processes in its cgroup, by pid (of this machine).
std::vector<ProcessInfo> processes(const ContainerInfo& container);

struct ProcessTable {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> rows; // the last cell may have spaces
};
// The same as this machine's ps shows them with these options; without options as processes(). Errors: not_found (no
// ps), invalid_project (options that ps does not take, or that leave out the pid).
ProcessTable process_table(const ContainerInfo& container, const std::vector<std::string>& ps_options);

} // namespace davit
#pragma GCC visibility pop
