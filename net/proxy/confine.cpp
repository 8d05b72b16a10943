#include "net/proxy/confine.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <iterator>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace davit::net::proxy {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t own_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t own_arch = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t own_arch = AUDIT_ARCH_RISCV64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
constexpr std::uint32_t own_arch = AUDIT_ARCH_PPC64LE;
#elif defined(__s390x__)
constexpr std::uint32_t own_arch = AUDIT_ARCH_S390X;
#else
#error "add this architecture's AUDIT_ARCH"
#endif

// An empty directory, read-only, in place of all that is mounted.
bool leave_file_systems() {
    if (::syscall(SYS_unshare, CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr) < 0)
        return false;
    const long fs = ::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0 || ::syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
        ::syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return false;
    const long root = ::syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                                MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    bool ok = root >= 0 && ::syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0 &&
              ::fchdir(static_cast<int>(root)) == 0;
    // A machine that runs from its initramfs cannot pivot; what lies below the new root can no longer be named there.
    if (ok && ::syscall(SYS_pivot_root, ".", ".") == 0) ok = ::umount2(".", MNT_DETACH) == 0;
    else ok = ok && ::chroot(".") == 0;
    ok = ok && ::chdir("/") == 0;
    if (root >= 0) ::close(static_cast<int>(root));
    ::close(static_cast<int>(fs));
    return ok;
}

bool leave_root() {
    for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap)
        if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) return false;
    if (::syscall(SYS_setgroups, 0, nullptr) < 0 || ::syscall(SYS_setresgid, own_id, own_id, own_id) < 0 ||
        ::syscall(SYS_setresuid, own_id, own_id, own_id) < 0)
        return false;
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    return ::syscall(SYS_capset, &head, none) == 0;
}

// accept, connect, pass on, wait, and the memory for it. Others fail with EPERM: of a new libc nothing breaks but that
// call.
constexpr std::uint32_t needed[] = {
    SYS_accept4,      SYS_connect, SYS_getsockname, SYS_getsockopt, SYS_setsockopt,    SYS_shutdown,
    SYS_recvfrom,     SYS_recvmsg, SYS_sendto,      SYS_sendmsg,    SYS_epoll_ctl,     SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_read,         SYS_write,   SYS_close,       SYS_fcntl,      SYS_clock_gettime, SYS_brk,
    SYS_mmap,         SYS_munmap,  SYS_mremap,      SYS_madvise,    SYS_futex,         SYS_restart_syscall,
    SYS_rt_sigreturn, SYS_exit,    SYS_exit_group};

bool filter_calls() {
    constexpr std::size_t count = std::size(needed), head = 9, size = head + count + 2;
    sock_filter code[size] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_arch, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        // socket(): of the internet only
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(seccomp_data, args) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, count + 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, count + 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    for (std::size_t i = 0; i < count; ++i)
        code[head + i] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, needed[i], static_cast<std::uint8_t>(count - i), 0);
    code[head + count] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    code[head + count + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(size), code};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 || errno == ENOSYS ||
           errno == EINVAL; // a kernel without filters
}

} // namespace

bool confine() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    if (!leave_file_systems() || !leave_root() || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return false;
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); // changing the user may have reset it
    return filter_calls();
}

} // namespace davit::net::proxy
