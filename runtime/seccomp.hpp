// System call filters: Docker's default profile as a table, users' profiles as JSON, and both as BPF
// ready to load. Compiling costs 9-14 ms (libseccomp, three architectures), reading the kept result
// 0.1 ms, so results are kept by the hash of everything that went in.
#pragma once

#include "runtime/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::runtime {

struct SeccompArg {
    unsigned index = 0;
    int op = 0; // enum scmp_compare
    std::uint64_t value = 0;
    std::uint64_t value_two = 0; // MASKED_EQ: compared with, `value` is the mask
};

struct KernelVersion {
    unsigned major = 0, minor = 0; // 0.0: any
};

struct SeccompRule {
    std::vector<std::string> names;
    std::uint32_t action = 0; // SCMP_ACT_…
    std::vector<SeccompArg> args;
    // The rule counts only if all of these hold …
    std::vector<int> with_caps;           // in the container's bounding set
    std::vector<std::string> with_arches; // Docker's names: amd64, arm64 …; empty: any
    KernelVersion min_kernel;
    // … and none of these.
    std::vector<int> without_caps;
    std::vector<std::string> without_arches;
    KernelVersion without_kernel; // this one and newer
};

struct SeccompProfile {
    std::uint32_t default_action = 0;
    std::vector<std::uint32_t> architectures; // SCMP_ARCH_…; empty: this machine's and its compat ones
    std::uint32_t flags = 0;                  // SECCOMP_FILTER_FLAG_…
    bool disabled = false;                    // `{}`: no filter at all, as for Docker
    std::vector<SeccompRule> rules;
};

const SeccompProfile& docker_default_profile();
// Docker's and OCI's format. Throws invalid_project naming the file and what in it is wrong.
SeccompProfile seccomp_profile_from_json(const std::string& text, const std::string& file);

// An array of struct sock_filter as bytes; empty for `unconfined`. cache_dir empty: nothing is kept.
std::string compile_seccomp(const Seccomp& wanted, CapSet bounding, const std::string& cache_dir);
std::string compile_profile(const SeccompProfile& profile, CapSet bounding);
// Names in rules that refuse, which neither libseccomp nor davit knows: nothing is refused there, as with Docker.
std::vector<std::string> unknown_refused_calls(const SeccompProfile& profile);

} // namespace davit::runtime
