// What makes a process a supervisor before and after its loop: its lock, its place in the machine.
#pragma once

#include "base/file.hpp"
#include "project/paths.hpp"

#include <map>
#include <optional>
#include <string>
#include <sys/types.h>

namespace davit::supervisor {

// Empty: another supervisor of the project holds it.
std::optional<FileLock> take_supervisor_lock(const ProjectPaths& paths);
// The same lock at a high descriptor: the kernel closes those of a killed process from the top down, and
// netlink and inotify sockets take it 5-25 ms (measured), in which no shim could start a successor.
FileLock freed_first(FileLock lock);
// Of a supervisor that could not start, for whoever holds its lock: its control group, and what it made in the run
// directory, unless the project has something there.
void take_back_start(const Roots& roots, const std::string& project);
// The lock file and what else is empty then: nothing of a project that is down stays.
void remove_run_files(const Roots& roots, const ProjectPaths& paths);

// Leaves the caller: own session's environment, directory, umask, descriptors, limits, signals.
void leave_caller(const ProjectPaths& paths);

// fork() of a process with one thread, into that group where it can: entering a v2 group later costs an RCU
// grace period (10 ms).
pid_t fork_into_group(const std::string& project);

// A control group of its own, davit/<project>/supervisor, where the machine lets it.
class OwnCgroup {
public:
    explicit OwnCgroup(const std::string& project);
    // Back to where it was, and the empty groups away. The calling process may end in it: a copy returns.
    void leave();

private:
    std::string project_;
    std::map<std::string, std::string> before_; // hierarchy → path, as /proc/self/cgroup has them
    bool joined_ = false;
};

} // namespace davit::supervisor
