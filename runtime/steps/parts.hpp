// The parts of compile(), one file each.
#pragma once

#include "runtime/steps.hpp"
#include "runtime/steps/step_writer.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace davit::runtime {

struct Compiler {
    StepWriter& out;
    const HostFacts& host;
    const CompileOptions& options;
    std::vector<std::string>* warnings;
    std::uint32_t flags = 0; // exec::StepsFlag, as far as the parts decide them
    void warn(std::string text) const {
        // Hooks and the healthcheck are compiled with the container, and meet the same.
        if (warnings && std::find(warnings->begin(), warnings->end(), text) == warnings->end())
            warnings->push_back(std::move(text));
    }
};

// cgroups.cpp
// Index of the step for each hierarchy is that of host.cgroups. existing: only opened.
void add_cgroups(Compiler& c, const std::string& path, const Resources& resources, bool existing);
void add_limits(Compiler& c, const Resources& resources);
void add_group_limits(Compiler& c, const Spec& spec);
// mounts.cpp
void add_root(Compiler& c, const Spec& spec);
void add_mounts(Compiler& c, const Spec& spec);
void add_masks(Compiler& c, const Spec& spec);
// process.cpp
void add_sysctls(Compiler& c, const Spec& spec);
// bounding: of the container, by which the profile's rules are chosen.
void add_process(Compiler& c, const Process& process, const Seccomp& seccomp, CapSet bounding);

// device_filter.cpp: eBPF for BPF_CGROUP_DEVICE
std::string device_filter(const std::vector<DeviceRule>& rules);

} // namespace davit::runtime
