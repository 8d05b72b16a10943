// One service of a compose project, after interpolation, merging, normalisation and path resolution.
// Plain values: copyable, comparable, no behaviour. Sizes are bytes, durations std::chrono::nanoseconds.
// An empty string or list means "not given" unless the comment says otherwise; std::optional stands
// where "not given" differs from zero.
#pragma once

#include "davit/build_config.hpp"
#include "davit/deploy.hpp"
#include "davit/error.hpp"
#include "davit/service_parts.hpp"
#include "davit/value.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct Service {
    std::string name; // the key below `services:`
    Origin origin;    // where it is declared first; never part of a comparison

    // What runs
    std::string image; // may be empty with `build`
    std::optional<BuildConfig> build;
    std::string pull_policy; // always never build missing refresh daily weekly every_<duration>; "" = missing
    std::string pull_refresh_after;
    std::string platform;                                          // linux/amd64
    std::optional<std::vector<std::string>> command;               // unset: the image's; empty list: none
    std::optional<std::vector<std::string>> entrypoint;            // unset: the image's; empty list: none
    std::map<std::string, std::optional<std::string>> environment; // env_file already merged in; no value: unset it
    std::vector<EnvFile> env_file;
    std::string working_dir;
    std::string user; // uid, name, uid:gid
    std::vector<std::string> group_add;
    std::optional<bool> init;
    bool tty = false;
    bool stdin_open = false;
    std::string stop_signal;                                   // "" = the image's or SIGTERM
    std::optional<std::chrono::nanoseconds> stop_grace_period; // unset: 10 s
    std::optional<HealthCheck> healthcheck;
    std::vector<ServiceHook> pre_start;
    std::vector<ServiceHook> post_start;
    std::vector<ServiceHook> pre_stop;
    std::optional<Provider> provider;
    std::optional<Develop> develop;
    std::map<std::string, std::optional<ServiceModel>> models;

    // How it is run and kept
    std::string container_name; // excludes more than one replica
    std::optional<int> scale;   // unset: deploy.replicas or 1; see replicas()
    std::optional<Deploy> deploy;
    std::string restart;                          // no always on-failure[:N] unless-stopped; "" = no
    std::map<std::string, Dependency> depends_on; // includes those inferred from links, namespaces, volumes_from
    std::vector<std::string> profiles;
    std::optional<bool> attach; // false: `up` does not show its logs
    std::optional<Logging> logging;
    std::optional<Extends> extends; // only kept where it extends an empty service

    // Names and labels
    std::map<std::string, std::string> labels; // label_file already merged in
    std::vector<std::string> label_file;
    std::map<std::string, std::string> annotations;
    std::string hostname;
    std::string domainname;

    // Network
    std::string network_mode; // none host bridge service:X container:X; "" = networks
    std::map<std::string, std::optional<ServiceNetwork>>
        networks; // key of the project's networks; connect order: see network_order()
    std::vector<Port> ports;
    std::vector<std::string> expose; // "8080", "8080-8085/tcp"
    std::vector<std::string> dns;
    std::vector<std::string> dns_opt;
    std::vector<std::string> dns_search;
    std::map<std::string, std::vector<std::string>> extra_hosts; // host → addresses; may be "host-gateway"
    std::vector<std::string> links;                              // SERVICE[:ALIAS]
    std::vector<std::string> external_links;                     // CONTAINER[:ALIAS]
    std::string mac_address;

    // Storage
    std::vector<Mount> volumes;
    std::vector<std::string> volumes_from; // SERVICE[:ro|rw], container:NAME[:ro|rw]
    std::vector<std::string> tmpfs;        // PATH[:options]
    std::vector<FileReference> configs;
    std::vector<FileReference> secrets;
    bool read_only = false;
    std::int64_t shm_size = 0; // 0: the engine's default (64 MiB)
    std::map<std::string, std::string> storage_opt;

    // Namespaces
    std::string pid;         // host service:X container:X
    std::string ipc;         // host private shareable none service:X container:X
    std::string uts;         // host
    std::string userns_mode; // host
    std::string cgroup;      // host private
    std::string cgroup_parent;
    std::string isolation;
    std::string runtime;

    // Security
    bool privileged = false;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::vector<std::string> security_opt;
    std::optional<CredentialSpec> credential_spec;
    bool use_api_socket = false;

    // Devices
    std::vector<Device> devices;
    std::vector<std::string> device_cgroup_rules; // "c 1:3 mr"
    std::vector<DeviceRequest> gpus;

    // Limits; 0 = not limited unless it says otherwise. `deploy.resources` holds the other spelling:
    // effective_limits() merges the two.
    double cpus = 0;
    std::int64_t cpu_count = 0;
    double cpu_percent = 0;
    std::int64_t cpu_period = 0;     // µs
    std::int64_t cpu_quota = 0;      // µs
    std::int64_t cpu_rt_period = 0;  // µs
    std::int64_t cpu_rt_runtime = 0; // µs
    std::int64_t cpu_shares = 0;
    std::string cpuset;
    std::int64_t mem_limit = 0;
    std::int64_t mem_reservation = 0;
    std::int64_t memswap_limit = 0;         // -1 = unlimited
    std::int64_t mem_swappiness = 0;        // 0..100
    std::optional<std::int64_t> pids_limit; // -1 = unlimited
    bool oom_kill_disable = false;
    int oom_score_adj = 0;
    std::map<std::string, Ulimit> ulimits;
    std::map<std::string, std::string> sysctls;
    std::optional<BlkioConfig> blkio_config;

    Extensions extensions;
    bool operator==(const Service&) const = default;
};

} // namespace davit
#pragma GCC visibility pop
