// What a container is to the kernel: plain data after the OCI runtime-spec 1.3, with names where
// the numbers are only known inside (users) and everything typed. compile() (steps.hpp) turns it
// into the steps that init executes; oci/document.hpp writes and reads it as the bundle's config.json.
#pragma once

#include "runtime/oci/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace davit::runtime {

// Bit n is capability n of linux/capability.h.
using CapSet = std::uint64_t;

struct Capabilities {
    CapSet bounding = 0;
    CapSet effective = 0;
    CapSet permitted = 0;
    CapSet inheritable = 0; // stays empty unless asked for: CVE-2022-24769
    CapSet ambient = 0;
    bool operator==(const Capabilities&) const = default;
};

struct Rlimit {
    int resource = 0;       // RLIMIT_…; rlimit_from_name("nofile")
    std::uint64_t soft = 0; // ~0: unlimited
    std::uint64_t hard = 0;
    bool operator==(const Rlimit&) const = default;
};

struct User {
    // As in `user:`: "", "1000", "web", "web:adm", "1000:1000". Names are looked up by the child in
    // the container's own /etc/passwd and /etc/group; numbers known there bring group and home.
    std::string name;
    std::vector<std::string> groups; // group_add: names or numbers
    // A bundle's numbers, not looked up anywhere. They count when there is no name.
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> additional_gids{};
    std::string username{}; // OCI's, for other systems
    bool operator==(const User&) const = default;
};

struct Process {
    std::vector<std::string> args;
    std::vector<std::string> env; // "K=V", the last one of a key wins. HOME is added by the child when absent.
    std::string cwd = "/";        // made (0755, root) when missing
    User user;
    mode_t umask = 0022;
    bool terminal = false;
    std::uint16_t rows = 0, columns = 0; // console size; 0: left alone
    bool stdin_open = false;             // else stdin is /dev/null
    Capabilities caps;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    int oom_score_adj = 0;
    std::string apparmor_profile; // empty: not set
    std::string selinux_label;
    std::string command_line; // of other systems
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
    std::optional<CpuAffinity> exec_cpu_affinity;
    bool operator==(const Process&) const = default;
};

struct Overlay {
    std::vector<std::string> lower; // topmost first; at most 500
    std::string upper, work;        // both empty: read-only overlay
    bool operator==(const Overlay&) const = default;
};

struct Root {
    Overlay overlay;  // when overlay.lower is not empty
    std::string path; // else: a directory, bind-mounted
    bool readonly = false;
    bool operator==(const Root&) const = default;
};

enum class Propagation { rprivate, priv, rshared, shared, rslave, slave };

struct Mount {
    enum class Kind {
        bind,       // source is a path of the host; a directory or a file
        filesystem, // a new instance of `type`
        cgroup,     // the container's own cgroup(s), as this machine has them
        overlay,    // `layers` put together, read-only (a mount of type image)
        peer,       // source is a path inside the container whose pidfd is passed as Slot::peer (ipc: service:x)
    };
    Kind kind = Kind::bind;
    std::string source;
    std::string destination;         // absolute, inside; made when missing. Symbolic links stay inside the root.
    std::string type;                // filesystem: "tmpfs", "proc", "nfs4" …
    std::string data;                // filesystem: "size=65536k,mode=1777"
    std::string subpath;             // bind, overlay: below source, never leaving it
    std::vector<std::string> layers; // overlay: topmost first; at most 500
    bool recursive = true;           // bind: with what is mounted below source
    bool readonly = false;
    bool readonly_recursive = false; // mount_setattr(AT_RECURSIVE)
    bool nosuid = false, nodev = false, noexec = false;
    bool noatime = false, nodiratime = false, relatime = false, strictatime = false;
    bool nosymfollow = false;
    Propagation propagation = Propagation::rprivate;
    std::vector<IdMapping> uid_mappings, gid_mappings;
    std::vector<std::string> other_options; // of a bundle, which davit has no step for: "idmap", "rnosuid"
    bool operator==(const Mount&) const = default;
};

struct Device {
    std::string path; // inside
    char type = 'c';  // c, b, p
    unsigned major = 0, minor = 0;
    mode_t mode = 0666;
    uid_t uid = 0;
    gid_t gid = 0;
    bool operator==(const Device&) const = default;
};

struct DeviceRule { // the device cgroup; in order, later ones win
    bool allow = false;
    char type = 'a';                      // a, c, b
    std::optional<unsigned> major, minor; // absent: any
    std::string access = "rwm";
    bool operator==(const DeviceRule&) const = default;
};

// "/dev/vda" is looked up when the steps are compiled.
struct BlkioDevice {
    std::string path;
    std::uint64_t value = 0;           // weight 10-1000, bytes or operations per second
    std::int64_t major = 0, minor = 0; // a bundle's, when there is no path
    std::optional<std::uint64_t> leaf_weight{};
    bool operator==(const BlkioDevice&) const = default;
};

struct HugepageLimit {
    std::string page_size; // "2MB"
    std::uint64_t bytes = 0;
    bool operator==(const HugepageLimit&) const = default;
};

struct Resources {                           // absent: not written
    std::optional<std::int64_t> memory;      // bytes; -1 unlimited
    std::optional<std::int64_t> reservation; // bytes
    std::optional<std::int64_t> memory_swap; // memory + swap, bytes; -1 unlimited; absent with memory: 2 × memory
    std::optional<std::uint64_t> swappiness; // cgroup v1 only
    bool oom_kill_disable = false;           // cgroup v1 only
    std::optional<std::uint64_t> cpu_shares; // 2-262144
    std::optional<std::int64_t> cpu_quota;   // µs
    std::optional<std::uint64_t> cpu_period; // µs
    std::optional<std::int64_t> cpu_rt_runtime;
    std::optional<std::uint64_t> cpu_rt_period;
    std::string cpuset_cpus, cpuset_mems;
    std::optional<std::int64_t> pids; // 0, -1: max
    std::optional<std::uint64_t> blkio_weight;
    std::vector<BlkioDevice> blkio_weight_device, read_bps, write_bps, read_iops, write_iops;
    std::vector<HugepageLimit> hugepages;
    std::vector<DeviceRule> devices;            // empty: not restricted (privileged)
    std::map<std::string, std::string> unified; // cgroup v2 file → value
    std::optional<std::uint64_t> cpu_burst;     // µs
    std::optional<std::int64_t> cpu_idle;
    std::optional<std::int64_t> memory_kernel, memory_kernel_tcp;
    std::optional<bool> memory_use_hierarchy, memory_check_before_update;
    std::optional<std::uint64_t> blkio_leaf_weight;
    std::optional<std::uint32_t> network_class;
    std::vector<NetworkPriority> network_priorities;
    std::map<std::string, RdmaLimit> rdma;
    bool operator==(const Resources&) const = default;
};

enum class NsMode {
    fresh,  // a new one
    host,   // davit's own
    path,   // joined: /proc/PID/ns/x or a bind-mounted namespace
    passed, // joined: handed to the shim by start_shim()
};
struct Namespace {
    NsMode mode = NsMode::fresh;
    std::string path;
    bool operator==(const Namespace&) const = default;
};
struct Namespaces {
    Namespace pid, net, ipc, uts;
    std::optional<bool> private_cgroup; // unset: as Docker does, private on a machine with cgroup v2 only
    // compile() refuses any but these until there are steps for them.
    Namespace mount;
    Namespace user{NsMode::host, ""}, time{NsMode::host, ""};
    std::string cgroup_path; // joined
    bool operator==(const Namespaces&) const = default;
};

struct Seccomp {
    enum class Kind { docker_default, unconfined, profile };
    Kind kind = Kind::docker_default;
    std::string json;        // profile: text of the file, Docker's or OCI's format
    std::string source_name; // profile: its path, for messages; in_bundle: it stands in config.json itself
    static constexpr char in_bundle[] = "#/linux/seccomp";
    bool operator==(const Seccomp&) const = default;
};

struct Spec {
    std::string id;     // 64 hex digits
    std::string cgroup; // below each hierarchy: "davit/<project>/<id>"
    Process process;
    Root root;
    std::string hostname, domainname;
    std::vector<Mount> mounts; // in order
    std::vector<Device> devices;
    std::vector<std::pair<std::string, std::string>> symlinks; // (path inside, target); kept when something is there
    Namespaces ns;
    Resources resources;
    std::map<std::string, std::string> sysctls; // "net.core.somaxconn" → "777"; namespaced ones only
    // In a network namespace that is not the host's any user may ping and bind ports below 1024, as in Docker.
    bool open_ports_and_ping = false;
    std::vector<std::string> masked_paths, readonly_paths;
    Seccomp seccomp;
    bool init = false; // a tiny init is pid 1 and the command its child
    std::map<std::string, std::string> annotations;
    std::vector<IdMapping> uid_mappings, gid_mappings; // of the user namespace
    std::map<std::string, TimeOffset> time_offsets;    // "boottime", "monotonic"
    Hooks hooks;
    std::string rootfs_propagation, mount_label;
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::optional<Personality> personality;
    std::map<std::string, NetDevice> net_devices;
    std::vector<AsItCame> as_it_came;        // when read from a document
    std::vector<std::string> unknown_fields; // JSON pointers of what that document has and nobody here knows
    // What all in the group that `cgroup` lies in may use together, written to that group; 0: not limited.
    std::int64_t group_memory = 0;    // bytes
    std::int64_t group_cpu_quota = 0; // µs of each 100 ms
    bool operator==(const Spec&) const = default;
};

// One more process in a running container.
struct ExecSpec {
    Process process;
    Seccomp seccomp;
    CapSet container_bounding = 0; // by which the profile's rules were chosen: more rights do not widen the filter
    bool operator==(const ExecSpec&) const = default;
};

} // namespace davit::runtime
