// What a service is meant to be, as Swarm's API has it: `service create`, stack files and `service inspect` all
// come down to these. Plain values; durations are ns, sizes bytes. An absent optional is a value that nobody gave:
// with_defaults() fills it in as the engine does when it shows a service.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::swarm {

using Labels = std::map<std::string, std::string>;

struct Mount {
    std::string type = "volume"; // volume, bind, tmpfs, image, npipe, cluster
    std::string source;
    std::string target;
    bool read_only = false;
    std::string consistency;
    // bind
    std::string propagation;
    bool bind_options = false; // BindOptions was given, even empty
    bool non_recursive = false;
    bool create_mountpoint = false;
    bool read_only_non_recursive = false, read_only_force_recursive = false;
    // volume
    bool volume_options = false; // VolumeOptions was given, even empty
    bool no_copy = false;
    Labels volume_labels;
    std::string subpath;
    std::string driver;
    std::map<std::string, std::string> driver_options;
    // tmpfs
    bool tmpfs_options = false; // TmpfsOptions was given, even empty
    std::int64_t tmpfs_size = 0;
    std::uint32_t tmpfs_mode = 0;
    // image
    bool image_options = false; // ImageOptions was given; its subpath stands above
    bool operator==(const Mount&) const = default;
};

// A config or secret that stands as a file in the container.
struct FileReference {
    std::string id, name; // of the config or secret
    std::string target;   // configs: absolute or below /; secrets: absolute or below /run/secrets
    std::string uid = "0", gid = "0";
    std::uint32_t mode = 0444;
    bool operator==(const FileReference&) const = default;
};

struct Healthcheck {
    std::vector<std::string> test; // {"NONE"}, {"CMD", …}, {"CMD-SHELL", "…"}; empty: the image's
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0; // 0: the image's, or the default
    int retries = 0;
    bool operator==(const Healthcheck&) const = default;
};

struct DnsConfig {
    std::vector<std::string> nameservers, search, options;
    bool operator==(const DnsConfig&) const = default;
};

struct Ulimit {
    std::string name;
    std::int64_t soft = 0, hard = 0;
    bool operator==(const Ulimit&) const = default;
};

struct Privileges {
    std::string credential_config, credential_file, credential_registry;
    bool no_new_privileges = false;
    bool seccomp = false; // Seccomp was given
    std::string seccomp_mode;
    bool apparmor = false;
    std::string apparmor_mode;
    bool operator==(const Privileges&) const = default;
};

struct ContainerSpec {
    std::string image;                // as it is shown: "busybox:latest", with @sha256:… where it was resolved
    std::string image_id;             // davit's: this image, whatever `image` names by now; set by a roll-back
    Labels labels;                    // of the containers
    std::vector<std::string> command; // the entrypoint
    std::vector<std::string> args;    // the command
    std::string hostname;             // may hold {{.Task.Slot}} and its like, as environment and mounts' sources
    std::vector<std::string> env;
    std::string dir, user;
    std::vector<std::string> groups;
    std::optional<Privileges> privileges;
    std::optional<bool> init;
    std::string stop_signal;
    bool tty = false, open_stdin = false, read_only = false;
    std::vector<Mount> mounts;
    std::optional<std::int64_t> stop_grace_period;
    std::optional<Healthcheck> healthcheck;
    std::vector<std::string> hosts; // "ADDRESS NAME", as in /etc/hosts
    std::optional<DnsConfig> dns_config;
    std::vector<FileReference> secrets, configs;
    std::string isolation; // shown as "default"
    std::map<std::string, std::string> sysctls;
    std::vector<std::string> capability_add, capability_drop;
    std::vector<Ulimit> ulimits;
    std::int64_t oom_score_adj = 0;
    bool operator==(const ContainerSpec&) const = default;
};

struct GenericResource {
    std::string kind;
    std::string named; // NamedResourceSpec; empty: discrete
    std::int64_t discrete = 0;
    bool operator==(const GenericResource&) const = default;
};

struct ResourceLimits {
    std::int64_t nano_cpus = 0, memory = 0, pids = 0;
    bool operator==(const ResourceLimits&) const = default;
};
struct ResourceReservations {
    std::int64_t nano_cpus = 0, memory = 0;
    std::vector<GenericResource> generic;
    bool operator==(const ResourceReservations&) const = default;
};
struct Resources {
    std::optional<ResourceLimits> limits;
    std::optional<ResourceReservations> reservations;
    std::optional<std::int64_t> swap, swappiness;
    bool operator==(const Resources&) const = default;
};

struct RestartPolicy {
    std::string condition;                     // none, on-failure, any; empty: any
    std::optional<std::int64_t> delay;         // 5 s
    std::optional<std::uint64_t> max_attempts; // 0: without end
    std::optional<std::int64_t> window;        // 0: everything counts
    bool operator==(const RestartPolicy&) const = default;
};

struct Placement {
    std::vector<std::string> constraints;
    std::vector<std::string> preferences;                       // spread descriptors
    std::uint64_t max_replicas = 0;                             // per node; 0: any
    std::vector<std::pair<std::string, std::string>> platforms; // architecture, os
    bool operator==(const Placement&) const = default;
};

struct NetworkAttachment {
    std::string target; // the network's name or id as it was given; ids when it stands in the store
    std::vector<std::string> aliases;
    std::map<std::string, std::string> driver_opts;
    bool operator==(const NetworkAttachment&) const = default;
};

struct LogDriver {
    std::string name;
    std::map<std::string, std::string> options;
    bool operator==(const LogDriver&) const = default;
};

struct TaskSpec {
    ContainerSpec container;
    std::optional<Resources> resources;
    std::optional<RestartPolicy> restart_policy;
    std::optional<Placement> placement;
    std::vector<NetworkAttachment> networks;
    std::optional<LogDriver> log_driver;
    std::uint64_t force_update = 0;
    bool operator==(const TaskSpec&) const = default;
};

enum class ModeKind { replicated, global, replicated_job, global_job };
struct ServiceMode {
    ModeKind kind = ModeKind::replicated;
    std::optional<std::uint64_t> replicas;          // replicated; absent: 1
    std::optional<std::uint64_t> max_concurrent;    // replicated_job; absent: 1
    std::optional<std::uint64_t> total_completions; // replicated_job; absent: max_concurrent
    bool job() const { return kind == ModeKind::replicated_job || kind == ModeKind::global_job; }
    bool operator==(const ServiceMode&) const = default;
};

struct UpdateConfig {              // and RollbackConfig
    std::uint64_t parallelism = 1; // 0: all at once
    std::int64_t delay = 0;
    std::string failure_action;          // pause, continue, rollback; empty: pause
    std::optional<std::int64_t> monitor; // 5 s
    double max_failure_ratio = 0;
    std::string order; // stop-first, start-first; empty: stop-first
    bool operator==(const UpdateConfig&) const = default;
};

struct PortConfig {
    std::string name;
    std::string protocol = "tcp"; // tcp, udp, sctp
    std::uint16_t target = 0;
    std::uint16_t published = 0;  // 0: any, from 30000 on
    std::string mode = "ingress"; // ingress, host
    bool operator==(const PortConfig&) const = default;
};

struct EndpointSpec {
    std::string mode; // vip, dnsrr; empty: vip
    std::vector<PortConfig> ports;
    bool operator==(const EndpointSpec&) const = default;
};

// davit's, of a map in a stack file: what the first tasks of a service wait for.
struct ServiceDependency {
    std::string service;   // the other's name
    std::string condition; // service_started, service_healthy, service_completed_successfully
    bool required = true;  // false: one that is not there, or has failed, keeps nobody
    bool operator==(const ServiceDependency&) const = default;
};

struct ServiceSpec {
    std::string name;
    Labels labels; // of the service
    TaskSpec task;
    ServiceMode mode;
    std::optional<UpdateConfig> update_config, rollback_config;
    std::optional<EndpointSpec> endpoint;
    std::vector<ServiceDependency> depends_on;
    bool operator==(const ServiceSpec&) const = default;
};

// What the engine fills in when it shows a service: restart policy, update and rollback configuration, stop grace
// period, endpoint mode, isolation …; for jobs too.
ServiceSpec with_defaults(const ServiceSpec& spec);

} // namespace davit::swarm
