// The processes of a container as `ps -ef` shows them, read from /proc by its cgroup.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace davit::cli {

struct ProcessRow {
    std::string user; // name of the uid on this machine, else the number
    pid_t pid = 0, parent = 0;
    std::string cpu;     // use since its start, in percent
    std::string started; // "11:56", "Nov21", "2025"
    std::string terminal;
    std::string time; // CPU time "00:00:03"
    std::string command;
};

// All processes in the cgroup of `init` (a pid of this machine), by pid; empty when it is gone.
std::vector<ProcessRow> processes_of(pid_t init);
// Their pids.
std::vector<pid_t> pids_of(pid_t init);

// Path of a process's cgroup for one v1 controller, or of the v2 hierarchy (controller ""): as mounted
// on this machine; empty when there is none.
std::string cgroup_directory(pid_t pid, const std::string& controller);

} // namespace davit::cli
