// What the set-up tells its parent: one fixed record a message, over a SOCK_SEQPACKET socket that
// execve closes. A record of kind failed is the last one.
#pragma once

#include <cstdint>

namespace davit::exec {

// Numbers are part of the shim's protocol: append only.
enum class Stage : std::uint32_t {
    none = 0,
    steps,         // detail: why it was refused
    cgroup,        // path
    cgroup_limit,  // file=value
    cgroup_device, // path
    clone,
    join_cgroup,
    namespaces, // which one
    rootfs,     // directory
    proc,
    mount_source, // host path
    mount_target, // path inside; what stands in the way
    mount,        // path inside; what was to be mounted
    device,       // path
    symlink,      // path
    work_dir,     // path
    sysctl,       // name=value
    mask,         // path
    pivot_root,
    hostname, // name
    loopback,
    keyring,
    rlimit, // name of the resource
    oom_score,
    apparmor, // profile
    user,     // name; errnum 0: not in passwd
    group,    // name; errnum 0: not in group
    identity, // setting ids
    capabilities,
    seccomp,
    terminal,
    stdio,
    memory,
    not_found,      // args[0]: in no directory of PATH, or no such file
    not_executable, // args[0]
    descriptors,    // closing what must not leak
    escaped,        // the working directory lies outside: CVE-2024-21626
    frozen,         // exec in a paused container
    protocol,
    mount_kind,    // path inside, and the source: ENOTDIR a directory over a file, EISDIR a file over a directory
    mount_subpath, // the subpath, and the source that lacks it
    mount_option,  // path inside, and the option that was refused
    ended,         // exec in a container that is ending or has ended
};

// Between the two names of a detail, where a stage has two.
inline constexpr char detail_separator = '\n';

enum class ReportKind : std::uint32_t {
    failed = 1,
    warning = 2,   // something was granted less than asked for; goes on
    ready = 3,     // everything is set up; waits for one byte before execve
    console = 4,   // carries the terminal's master
    launching = 5, // execve is next: the channel's end after this means that the program runs
};

struct Report {
    ReportKind kind;
    Stage stage;
    std::int32_t errnum;
    std::uint32_t reserved;
    char detail[256]; // NUL-terminated, cut when longer
};

} // namespace davit::exec
