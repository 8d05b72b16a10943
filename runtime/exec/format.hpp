// The steps' bytes: one header, then steps one behind the other, then the data they refer to.
// Everything is little fixed structs and offsets from the start, so that a file or memfd can be
// mapped and used in place. Written by runtime/steps, read only after validate() (step_view.hpp).
#pragma once

#include <cstdint>

namespace davit::exec {

inline constexpr char steps_magic[4] = {'D', 'V', 'P', 'L'};
inline constexpr std::uint32_t steps_format = 1;
inline constexpr std::uint32_t max_steps_size = 8u << 20;

struct Str { // NUL-terminated; size without the NUL. size 0 with at 0: empty
    std::uint32_t at, size;
};
struct Bytes {
    std::uint32_t at, size;
};
struct StrList { // count × Str, 4-aligned
    std::uint32_t at, count;
};

enum class StepsKind : std::uint32_t { container = 1, exec = 2, update = 3 };

enum StepsFlag : std::uint32_t {
    flag_terminal = 1,
    flag_stdin_open = 2,
    flag_private_cgroup_ns = 4,
    flag_init = 8,
    flag_filter_first = 16, // the filter allows what birth.cpp does after loading it
};

struct StepsHeader {
    char magic[4];
    std::uint32_t format;
    std::uint32_t size; // of all
    std::uint32_t arch; // AUDIT_ARCH_… the filter was made for
    StepsKind kind;
    std::uint32_t flags; // StepsFlag
    std::uint32_t step_count;
    std::uint32_t steps_at;
    std::uint64_t clone_flags; // CLONE_NEW…
    std::uint16_t rows, columns;
    std::uint32_t reserved;
};

// Descriptors that are handed over at start and named in steps.
enum Slot : std::uint32_t {
    slot_none = 0,
    slot_net = 1,
    slot_ipc = 2,
    slot_pid = 3,
    slot_uts = 4,
    slot_peer = 5,
    slot_pid_peer = 6,
    slot_count = 7
};

enum class StepKind : std::uint16_t {
    // by the shim, before clone
    make_cgroup = 1,
    write_cgroup,
    device_filter,
    // by init, in its own namespaces
    join_namespace = 16,
    propagation,
    root_overlay,
    root_bind,
    open_proc,
    mount,
    device_node,
    symlink,
    make_dir,
    sysctl,
    mask_path,
    readonly_path,
    readonly_root,
    pivot_root,
    host_name,
    domain_name,
    loopback_up,
    keyring,
    readonly_mount,
    // by init and by exec's process
    rlimit = 48,
    oom_score_adj,
    apparmor,
    user,
    capabilities,
    no_new_privileges,
    seccomp,
    work_dir,
    umask,
    execute,
};

struct StepHeader {
    StepKind kind;
    std::uint16_t reserved;
    std::uint32_t size; // of this step, header included; a multiple of 8
};

inline constexpr std::uint32_t max_cgroups = 24;
inline constexpr std::uint32_t max_early_mounts = 64;

enum CgroupFlag : std::uint32_t {
    cgroup_v2 = 1,
    cgroup_cpuset = 2,   // v1: cpus and mems must be filled level by level before a task may enter
    cgroup_exists = 4,   // exec: only opened
    cgroup_memory = 8,   // where OOM kills are counted
    cgroup_freezer = 16, // where pause is done
};
struct MakeCgroup {
    static constexpr StepKind id = StepKind::make_cgroup;
    StepHeader head;
    Str mount_point, path;
    Str controllers; // v2: what parents hand down, "+cpu +memory"
    std::uint32_t flags, reserved;
    template <typename F>
    void refs(F&& f) const {
        f(mount_point), f(path), f(controllers);
    }
};

enum WriteFlag : std::uint32_t {
    write_optional = 1, // a missing file is no error
    write_warn = 2,     // a refusal is a warning
    write_retry = 4,    // refused once? written again after all others (memory and swap limits depend on each other)
};
struct WriteCgroup {
    static constexpr StepKind id = StepKind::write_cgroup;
    StepHeader head;
    Str file, value;
    std::uint32_t cgroup; // index of the make_cgroup step
    std::uint32_t flags;
    template <typename F>
    void refs(F&& f) const {
        f(file), f(value);
    }
};

struct DeviceFilter { // eBPF for BPF_CGROUP_DEVICE
    static constexpr StepKind id = StepKind::device_filter;
    StepHeader head;
    Bytes code;
    std::uint32_t cgroup, reserved;
    template <typename F>
    void refs(F&& f) const {
        f(code);
    }
};

struct JoinNamespace {
    static constexpr StepKind id = StepKind::join_namespace;
    StepHeader head;
    Str path;           // when slot is slot_none
    std::uint32_t type; // CLONE_NEW…
    std::uint32_t slot;
    template <typename F>
    void refs(F&& f) const {
        f(path);
    }
};

struct SetPropagation {
    static constexpr StepKind id = StepKind::propagation;
    StepHeader head;
    std::uint64_t flags; // MS_PRIVATE | MS_REC …
    template <typename F>
    void refs(F&&) const {}
};

struct RootOverlay {
    static constexpr StepKind id = StepKind::root_overlay;
    StepHeader head;
    StrList lower; // topmost first
    Str upper, work;
    template <typename F>
    void refs(F&& f) const {
        f(lower), f(upper), f(work);
    }
};

struct RootBind {
    static constexpr StepKind id = StepKind::root_bind;
    StepHeader head;
    Str path;
    template <typename F>
    void refs(F&& f) const {
        f(path);
    }
};

template <StepKind K>
struct PlainStep {
    static constexpr StepKind id = K;
    StepHeader head;
    template <typename F>
    void refs(F&&) const {}
};
using OpenProc = PlainStep<StepKind::open_proc>;
using ReadonlyRoot = PlainStep<StepKind::readonly_root>;
using PivotRoot = PlainStep<StepKind::pivot_root>;
using LoopbackUp = PlainStep<StepKind::loopback_up>;
using NoNewPrivileges = PlainStep<StepKind::no_new_privileges>;

enum class MountKind : std::uint32_t { bind = 1, filesystem = 2, peer = 3, overlay = 4 };
enum MountFlag : std::uint32_t {
    mount_recursive = 1,      // bind: OPEN_TREE_CLONE with AT_RECURSIVE
    mount_attr_recursive = 2, // attributes apply to submounts too
    mount_inherit_mode = 4,   // tmpfs without mode=: takes that of the directory it covers
    mount_optional = 8,       // a file system this kernel lacks is skipped
    mount_over_proc = 32,     // one of the few files of procfs that may be covered
    mount_early = 16,         // the source is opened first of all, see open_early_source()
};
struct MountStep {
    static constexpr StepKind id = StepKind::mount;
    StepHeader head;
    MountKind kind;
    std::uint32_t flags;
    Str source, target, type, subpath;
    StrList options;                    // filesystem: "key=value" or "key"; overlay: layers, topmost first
    std::uint64_t attr_set, attr_clear; // MOUNT_ATTR_…
    std::uint64_t propagation;          // MS_PRIVATE …, 0: as it comes
    template <typename F>
    void refs(F&& f) const {
        f(source), f(target), f(type), f(subpath), f(options);
    }
};

struct DeviceNode {
    static constexpr StepKind id = StepKind::device_node;
    StepHeader head;
    Str path;
    std::uint32_t mode; // with S_IFCHR …
    std::uint32_t uid, gid, reserved;
    std::uint64_t device;
    template <typename F>
    void refs(F&& f) const {
        f(path);
    }
};

struct SymlinkStep {
    static constexpr StepKind id = StepKind::symlink;
    StepHeader head;
    Str path, target;
    std::uint32_t only_if_target_exists, reserved;
    template <typename F>
    void refs(F&& f) const {
        f(path), f(target);
    }
};

struct MakeDir {
    static constexpr StepKind id = StepKind::make_dir;
    StepHeader head;
    Str path;
    std::uint32_t mode, reserved;
    template <typename F>
    void refs(F&& f) const {
        f(path);
    }
};

struct SysctlStep {
    static constexpr StepKind id = StepKind::sysctl;
    StepHeader head;
    Str path, value; // "sys/net/core/somaxconn"
    template <typename F>
    void refs(F&& f) const {
        f(path), f(value);
    }
};

template <StepKind K>
struct TextStep {
    static constexpr StepKind id = K;
    StepHeader head;
    Str text;
    template <typename F>
    void refs(F&& f) const {
        f(text);
    }
};
using MaskPath = TextStep<StepKind::mask_path>;
using ReadonlyPath = TextStep<StepKind::readonly_path>;
using ReadonlyMount = TextStep<StepKind::readonly_mount>; // of what is mounted there already, once it is filled
using HostName = TextStep<StepKind::host_name>;
using DomainName = TextStep<StepKind::domain_name>;
using Keyring = TextStep<StepKind::keyring>;
using Apparmor = TextStep<StepKind::apparmor>;
using WorkDir = TextStep<StepKind::work_dir>;

struct RlimitStep {
    static constexpr StepKind id = StepKind::rlimit;
    StepHeader head;
    std::uint64_t soft, hard;
    std::uint32_t resource;
    std::uint32_t soft_only; // the hard limit stays as inherited
    template <typename F>
    void refs(F&&) const {}
};

template <StepKind K>
struct NumberStep {
    static constexpr StepKind id = K;
    StepHeader head;
    std::int64_t number;
    template <typename F>
    void refs(F&&) const {}
};
using OomScoreAdj = NumberStep<StepKind::oom_score_adj>;
using UmaskStep = NumberStep<StepKind::umask>;

struct UserStep {
    static constexpr StepKind id = StepKind::user;
    StepHeader head;
    Str name;
    StrList groups;
    template <typename F>
    void refs(F&& f) const {
        f(name), f(groups);
    }
};

struct CapabilityStep {
    static constexpr StepKind id = StepKind::capabilities;
    StepHeader head;
    std::uint64_t bounding, effective, permitted, inheritable, ambient;
    std::uint32_t last, reserved; // the kernel's last capability
    template <typename F>
    void refs(F&&) const {}
};

struct SeccompStep {
    static constexpr StepKind id = StepKind::seccomp;
    StepHeader head;
    Bytes filter;        // struct sock_filter[], 8-aligned
    std::uint32_t flags; // SECCOMP_FILTER_FLAG_…
    std::uint32_t reserved;
    template <typename F>
    void refs(F&& f) const {
        f(filter);
    }
};

struct ExecuteStep {
    static constexpr StepKind id = StepKind::execute;
    StepHeader head;
    StrList args, env;
    template <typename F>
    void refs(F&& f) const {
        f(args), f(env);
    }
};

} // namespace davit::exec
