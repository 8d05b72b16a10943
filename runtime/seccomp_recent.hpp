// The part of a filter that libseccomp cannot make: calls which it has no name for.
#pragma once

#include "runtime/seccomp.hpp"

#include <linux/filter.h>
#include <vector>

namespace davit::runtime {

// Set in the numbers of x32 calls; the architecture is that of x86-64.
inline constexpr std::uint32_t x32_bit = 0x40000000;

struct RecentRule {
    unsigned number = 0;
    std::uint32_t action = 0;     // SECCOMP_RET_…, which are libseccomp's words too
    std::vector<SeccompArg> args; // all must hold; empty: always
};

struct ArchPrologue {
    std::uint32_t arch = 0;         // SCMP_ARCH_…
    unsigned highest = 0;           // the highest number that the profile's author knew
    bool unknown_is_enosys = false; // for numbers beyond it
    std::vector<RecentRule> rules;
};

// Runs before libseccomp's program: decides these calls, and gives ENOSYS for numbers beyond all that the profile's
// author knew, so that programs fall back instead of failing with EPERM (the reason runc patches its filters as well).
// Everything else falls through. For a call with several rules, one without conditions wins, as in libseccomp; of
// those with conditions the first that holds.
std::vector<sock_filter> seccomp_prologue(const std::vector<ArchPrologue>& sections);

// nullopt: the architecture has no such call, or libseccomp's own table does.
std::optional<unsigned> recent_syscall(std::string_view name, std::uint32_t arch);

} // namespace davit::runtime
