// Constants and structures newer than Debian 12's headers. What needs them is probed at run time.
#pragma once

#include <cstdint>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 // 6.6
#endif

namespace davit::abi {

// linux/pidfd.h, 6.13; PIDFD_INFO_EXIT since 6.15: the exit code for those who are not the parent.
struct pidfd_info {
    std::uint64_t mask;
    std::uint64_t cgroupid;
    std::uint32_t pid, tgid, ppid;
    std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    std::int32_t exit_code;
    std::uint32_t coredump_mask, spare;
};
inline constexpr std::uint64_t pidfd_info_exit = 1u << 3;
inline constexpr unsigned long pidfd_get_info = _IOWR(0xFF, 11, pidfd_info);

} // namespace davit::abi
