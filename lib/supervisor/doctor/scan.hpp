// What the doctor compares: one look at records, locks, processes, mounts. Internal to the doctor.
#pragma once

#include "project/paths.hpp"

#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace davit::doctor {

struct Process {
    pid_t pid = 0;
    std::string project;
    std::string container; // 64 hex digits: a shim; empty: a supervisor
};

struct Machine {
    Roots roots;
    std::set<std::string> known_projects;                // with a container or network record
    std::set<std::string> supervised_projects;           // whose supervisor lock is held
    std::set<std::string> busy_projects;                 // a command holds the project's lock, or a plan runs
    std::vector<std::string> with_networks;              // known or supervised: their links and rules are no leaks
    std::map<std::string, std::string> containers;       // id → project, from the records
    std::map<std::string, std::string> running;          // those whose process lives
    std::set<std::string> held;                          // and those among them whose start nobody has completed
    std::vector<Process> processes;                      // shims and supervisors of these roots
    std::map<std::string, std::set<std::string>> others; // run directory of another root → projects its processes serve
    std::vector<std::string> mounts;                     // below the roots
    std::vector<std::string> temporary_files;

    bool knows(const std::string& project) const { return known_projects.contains(project); }
    bool supervised(const std::string& project) const { return supervised_projects.contains(project); }
    bool busy(const std::string& project) const { return busy_projects.contains(project); }
    // Another root's processes serve a project of that name: what the kernel has under it may be theirs.
    bool is_others(const std::string& project) const;
    bool any_running(const std::string& project) const;
};

Machine scan(const Roots& roots);

} // namespace davit::doctor
