// What birth.cpp asks of the kernel once the filter is loaded. The step writer looks whether the filter allows
// all of it (flag_filter_first); if not, it is loaded last, by a process that needs CAP_SYS_ADMIN until then.
#pragma once

#include "runtime/exec/calls.hpp"

#include <csignal>
#include <sys/ioctl.h>
#include <sys/prctl.h>

namespace davit::exec {

// Waited for by the shim, not by its helper; its number is stored before it runs.
inline constexpr unsigned long birth_clone_flags = CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_VFORK | SIGCHLD;

struct FilteredCall {
    long number;
    std::uint64_t args[3];
};
inline constexpr FilteredCall filtered_calls[] = {
    {SYS_capget, {}},
    {SYS_capset, {}},
    {SYS_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE}},
    {SYS_close, {3}},
#if defined(__s390x__)
    {SYS_clone, {0, birth_clone_flags}},
#else
    {SYS_clone, {birth_clone_flags}},
#endif
    {SYS_exit_group, {}},
    {SYS_setsid, {}},
    {SYS_ioctl, {0, TIOCSCTTY}},
    {SYS_prlimit64, {}},
    {SYS_execve, {}},
};

} // namespace davit::exec
