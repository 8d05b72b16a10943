// What davit writes down about a project's containers, networks and volumes, and what is true of
// a container now. Records (under the state root) survive a reboot; statuses (under the run root)
// mirror the kernel and vanish with it. Times are ns since the epoch, durations ns, 0 = unset.
#pragma once

#include "davit/container.hpp"
#include "project/port_range.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit {

inline constexpr int record_format = 1;

// One attachment of a container to a network.
struct EndpointRecord {
    std::string network;              // NetworkRecord::name
    std::string compose_name;         // key in the compose file
    std::vector<std::string> aliases; // service name, container_name, user aliases; without id and hostname
    // name → container names of the project, visible to this container only (links, external_links)
    std::map<std::string, std::vector<std::string>> links;
    std::string ipv4_address; // asked for; empty: any
    std::string ipv6_address;
    std::vector<std::string> link_local_ips;
    std::string mac_address;
    std::string interface_name;
    int priority = 0;    // connect order
    int gw_priority = 0; // default gateway: highest wins
    std::map<std::string, std::string> driver_opts;
    bool operator==(const EndpointRecord&) const = default;
};

struct PortRecord {
    std::string host_ip;           // empty: 0.0.0.0 and [::]
    std::optional<PortRange> host; // absent: any free port, and none was named
    std::uint16_t target = 0;
    std::string protocol = "tcp"; // tcp, udp, sctp
    bool operator==(const PortRecord&) const = default;
};

struct HealthcheckRecord {
    std::vector<std::string> test; // {"CMD", …}, {"CMD-SHELL", "…"}; empty or {"NONE"}: none
    std::int64_t interval = 30'000'000'000;
    std::int64_t timeout = 30'000'000'000;
    std::int64_t start_period = 0;
    std::int64_t start_interval = 5'000'000'000;
    int retries = 3;
    bool operator==(const HealthcheckRecord&) const = default;
};

enum class RestartKind { no, always, unless_stopped, on_failure };
struct RestartRecord {
    RestartKind kind = RestartKind::no;
    int max_retries = 0; // on_failure: 0 = without end
    // Of ECS: the codes with which it is not started again, and how long it has to have run.
    std::vector<int> final_codes{};
    std::int64_t least_run = 0;
    bool operator==(const RestartRecord&) const = default;
};

struct LogConfig {
    std::string driver = "json-file";           // json-file, local, none
    std::map<std::string, std::string> options; // max-size, max-file …
    bool operator==(const LogConfig&) const = default;
};

// post_start, pre_stop: run inside the container by the supervisor, at most once a start.
struct HookRecord {
    std::vector<std::string> command;
    std::string user;
    bool privileged = false;
    std::string working_dir;
    std::vector<std::string> environment; // "K=V"
    bool operator==(const HookRecord&) const = default;
};

struct MountRecord {  // for ps, inspect, down -v, volumes_from, recreate with the same anonymous volumes
    std::string type; // volume, bind, tmpfs, image
    std::string name; // volume's name
    std::string source;
    std::string target;
    bool read_only = false;
    bool anonymous = false;
    bool operator==(const MountRecord&) const = default;
};

// Of the ECS task that the container belongs to.
struct EcsRecord {
    std::string task;   // those of one task have one name here: the family, "family-2" …
    std::string family; // of the task definition
    int revision = 0;   // 0: never registered
    std::string container;
    bool essential = false; // when it ends for good, the task does
    bool network = false;   // it holds the task's network namespace
    bool metadata = false;  // the task has the metadata endpoint
    double cpu = 0;         // of the task: CPUs and MiB; 0: not given
    std::int64_t memory = 0;
    std::int64_t start_timeout = 0; // seconds that who depends on it waits; 0: for ever
    std::vector<std::string> after; // services of the task that it depends on: it ends before they do
    bool operator==(const EcsRecord&) const = default;
};

// Where a container asks for what ECS tells of it.
inline constexpr const char* ecs_metadata_address = "169.254.170.2";
inline std::string ecs_metadata_uri(const std::string& container_id) {
    return std::string("http://") + ecs_metadata_address + "/v4/" + container_id;
}

enum class DesiredState { created, running, stopped };

// containers/<id>/record.json. Beside it stand config.json (OCI bundle) and plan.bin (compiled steps).
struct ContainerRecord {
    int format = record_format;
    std::string id;   // 64 hex digits
    std::string name; // shop-web-1
    std::string project;
    std::string service;
    int number = 1;
    bool oneoff = false;      // `run`
    bool auto_remove = false; // run --rm
    std::string image;        // as in the compose file
    std::string image_id;     // sha256:…
    std::string config_hash;
    std::string content_hash; // of its inline configs and secrets; empty: none
    Labels labels;            // com.docker.compose.* and the user's
    std::int64_t created = 0;

    DesiredState desired = DesiredState::created;
    std::int64_t generation = 0; // intent: moves with create, remove, change of desired

    std::string network_mode = "bridge"; // bridge (endpoints), none, host, container:<id>
    // Empty, or container:<id>: the supervisor passes that container's namespace (NsMode::passed) and, for
    // ipc, its pidfd (Mount::Kind::peer).
    std::string ipc_mode, pid_mode;
    std::vector<std::string> volumes_from; // ids, in the service's order
    std::vector<EndpointRecord> endpoints;
    std::vector<PortRecord> ports;
    std::string hostname;
    std::string domainname;
    std::vector<std::string> dns, dns_search, dns_options;
    std::vector<std::pair<std::string, std::string>> extra_hosts; // name, address or host-gateway
    std::vector<std::string> expose;

    std::optional<HealthcheckRecord> healthcheck;
    RestartRecord restart;
    std::string stop_signal = "SIGTERM";
    std::int64_t stop_grace = 10'000'000'000;
    LogConfig log;
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false; // its input ends with the first client that gives it some
    std::vector<HookRecord> post_start, pre_stop;
    std::vector<MountRecord> mounts;
    std::vector<std::string> command; // entrypoint + command as it runs, for ps
    std::string user;
    std::string working_dir;
    std::vector<std::string> environment; // for exec; "K=V"
    std::string cgroup;                   // below the cgroup root: davit/<project>/<id>
    // Why it can never start (a device that is missing, a sysctl of the whole machine): there is no plan.bin then,
    // and start_container fails with this text. The container stands as "created", as with Docker.
    std::string start_error;
    // The container that this one is to replace while both run (order: start-first): it has none of the ports and names
    // of that one until they are handed over, which empties this.
    std::string takes_over;
    std::optional<EcsRecord> ecs;

    bool operator==(const ContainerRecord&) const = default;
};

struct EndpointStatus {
    std::string network;
    std::string interface;
    std::string ipv4, ipv6; // without prefix
    std::string mac;
    std::string gateway;
    bool operator==(const EndpointStatus&) const = default;
};

// run/projects/<project>/containers/<id>/state.json, written by the supervisor at each change.
struct ContainerStatus {
    std::string id;
    ContainerState state = ContainerState::created;
    int pid = 0;                 // 0: not running
    std::uint64_t pid_start = 0; // start time in ticks; names the process together with pid
    std::int64_t started_at = 0;
    std::int64_t finished_at = 0;
    int exit_code = 0;
    bool exit_known = true; // false: the code was lost with its shim
    bool oom_killed = false;
    std::string error; // why it could not start
    int restart_count = 0;
    std::int64_t next_restart = 0;
    std::int64_t restart_delay = 0; // the back-off before it
    int post_start_begun = 0;       // hooks of this run that have begun: a new supervisor does not run them again
    int pre_stop_begun = 0;
    bool stopped_by_user = false;
    Health health = Health::none;
    int failing_streak = 0;
    std::vector<EndpointStatus> endpoints;
    std::vector<PublishedPort> ports;
    bool operator==(const ContainerStatus&) const = default;
};

struct IpamPoolRecord {
    std::string subnet; // empty: from the pools
    std::string ip_range;
    std::string gateway;
    std::map<std::string, std::string> aux_addresses;
    bool operator==(const IpamPoolRecord&) const = default;
};

struct NetworkRecord {
    int format = record_format;
    std::string name; // shop_default
    std::string id;   // 64 hex digits
    std::string project;
    std::string compose_name;
    std::string driver = "bridge"; // bridge, none, host, macvlan, ipvlan
    std::map<std::string, std::string> driver_opts;
    bool internal = false;
    bool attachable = false;
    bool enable_ipv4 = true;
    bool enable_ipv6 = false;
    std::vector<IpamPoolRecord> ipam; // asked for
    std::string config_hash;
    Labels labels;
    std::int64_t created = 0;
    std::string scope;    // swarm; empty: local
    bool leaving = false; // it goes when the last container has left it
    // Given by the supervisor when the network is made:
    std::string bridge; // link name
    std::string subnet4, gateway4;
    std::string subnet6, gateway6;
    bool operator==(const NetworkRecord&) const = default;
};

struct VolumeRecord {
    int format = record_format;
    std::string name; // shop_data
    std::string project;
    std::string compose_name;
    std::string driver = "local";
    std::map<std::string, std::string> driver_opts; // type, o, device: mounted by the container's init
    bool anonymous = false;
    std::string config_hash;
    Labels labels;
    std::int64_t created = 0;
    bool operator==(const VolumeRecord&) const = default;
};

} // namespace davit
