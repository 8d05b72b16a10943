// What Docker lets a container call (moby's profile of 2026-04-30): refuse with EPERM by default,
// the calls below freely, the rest by capability.
#include "runtime/seccomp.hpp"

#include <cerrno>
#include <linux/capability.h>
#include <seccomp.h>
#include <sstream>

namespace davit::runtime {

namespace {

constexpr const char* always =
    // files and directories
    "access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 "
    "fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl "
    "fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd "
    "getdents getdents64 ioctl lchown lchown32 link linkat listmount _llseek lseek lstat lstat64 mkdir mkdirat mknod "
    "mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev "
    "pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat "
    "stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 "
    "umask "
    "unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev "
    // extended attributes
    "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr "
    "lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat "
    // waiting
    "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd "
    "eventfd2 inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll ppoll_time64 "
    "pselect6 "
    "pselect6_time64 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
    "timerfd_settime64 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit "
    // memory
    "brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap "
    "mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease "
    "remap_file_pages "
    // processes and threads
    "execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv "
    "futex_wake getcpu getpgid getpgrp getpid getppid getpriority getrlimit get_robust_list getrusage getsid "
    "get_thread_area gettid ioprio_get ioprio_set kill pause pidfd_open pidfd_send_signal prctl prlimit64 "
    "restart_syscall rseq sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield setpgid setpriority setrlimit set_robust_list setsid "
    "set_thread_area set_tid_address tgkill tkill times ugetrlimit uretprobe vfork wait4 waitid waitpid "
    // signals
    "alarm rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn "
    // identity
    "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 "
    "getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups "
    "setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32 "
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp "
    // sockets; socket() itself by family, below
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 "
    "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair "
    // System V and POSIX IPC
    "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 "
    "mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget "
    // time and machine
    "adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
    "clock_nanosleep clock_nanosleep_time64 getitimer getrandom gettimeofday nanosleep setitimer sysinfo time "
    "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 uname "
    "riscv_hwprobe";

struct ByCapability {
    int cap;
    const char* names;
};

constexpr ByCapability by_capability[] = {
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    {CAP_SYS_ADMIN, "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
                    "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open "
                    "quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_MODULE, "delete_module init_module finit_module"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"},
    {CAP_SYS_RAWIO, "iopl ioperm"},
    {CAP_SYS_TIME, "settimeofday stime clock_settime clock_settime64"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
};

struct ByArch {
    const char* arches;
    const char* names;
};

constexpr ByArch by_arch[] = {
    {"ppc64le", "sync_file_range2 swapcontext"},
    {"arm arm64", "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"},
    {"amd64 x32", "arch_prctl"},
    {"amd64 x32 x86", "modify_ldt"},
    {"s390 s390x", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"},
    {"riscv64", "riscv_flush_icache"},
};

// Families below 12 and these; missing are AF_ALG (38) and AF_VSOCK (40), doors into the kernel and
// the hypervisor, and protocols long gone.
constexpr unsigned socket_families[] = {13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29,
                                        30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45};
constexpr std::uint64_t personalities[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};
// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
constexpr std::uint64_t namespace_flags = 0x7E020000;

std::vector<std::string> words(const char* text) {
    std::istringstream in(text);
    std::vector<std::string> out;
    for (std::string w; in >> w;) out.push_back(w);
    return out;
}

SeccompRule allow(const char* names) {
    SeccompRule rule;
    rule.names = words(names);
    rule.action = SCMP_ACT_ALLOW;
    return rule;
}

SeccompRule allow_if(const char* name, unsigned index, int op, std::uint64_t value) {
    SeccompRule rule = allow(name);
    rule.args = {{index, op, value, 0}};
    return rule;
}

SeccompRule clone_without_namespaces(unsigned flags_index) {
    SeccompRule rule = allow_if("clone", flags_index, SCMP_CMP_MASKED_EQ, namespace_flags);
    rule.without_caps = {CAP_SYS_ADMIN};
    return rule;
}

SeccompProfile make_default() {
    SeccompProfile p;
    p.default_action = SCMP_ACT_ERRNO(EPERM);
    p.rules.push_back(allow(always));
    p.rules.push_back(allow("process_vm_readv process_vm_writev ptrace")); // safe since Linux 4.8
    p.rules.push_back(allow_if("socket", 0, SCMP_CMP_LT, 12));
    for (unsigned family : socket_families) p.rules.push_back(allow_if("socket", 0, SCMP_CMP_EQ, family));
    for (std::uint64_t persona : personalities) p.rules.push_back(allow_if("personality", 0, SCMP_CMP_EQ, persona));
    for (const auto& [arches, names] : by_arch) {
        SeccompRule rule = allow(names);
        rule.with_arches = words(arches);
        p.rules.push_back(rule);
    }
    for (const auto& [cap, names] : by_capability) {
        SeccompRule rule = allow(names);
        rule.with_caps = {cap};
        p.rules.push_back(rule);
    }
    SeccompRule clone = clone_without_namespaces(0);
    clone.without_arches = {"s390", "s390x"};
    p.rules.push_back(clone);
    SeccompRule clone_s390 = clone_without_namespaces(1); // its first two arguments are swapped
    clone_s390.with_arches = {"s390", "s390x"};
    p.rules.push_back(clone_s390);
    // ENOSYS makes libc fall back to clone(), whose flags a filter can see.
    SeccompRule clone3;
    clone3.names = {"clone3"};
    clone3.action = SCMP_ACT_ERRNO(ENOSYS);
    clone3.without_caps = {CAP_SYS_ADMIN};
    p.rules.push_back(clone3);
    return p;
}

} // namespace

const SeccompProfile& docker_default_profile() {
    static const SeccompProfile profile = make_default();
    return profile;
}

} // namespace davit::runtime
