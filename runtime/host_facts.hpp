// What this machine has, as far as it decides which steps a container is made of.
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

} // namespace davit::runtime
