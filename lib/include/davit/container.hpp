// What can be known of the containers, networks and volumes of a project. Plain values.
// Times are ns since the epoch, 0 = unset.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

using Labels = std::map<std::string, std::string>;

// Of containers outside a compose file (davit/containers.hpp); no compose file can have that name.
inline constexpr const char* machine_project = ".machine";
inline constexpr const char* machine_bridge = "bridge"; // the network of those that name none; made on first use

enum class ContainerState { created, running, paused, restarting, removing, exited, dead };
enum class Health { none, starting, healthy, unhealthy };

struct PublishedPort { // what `ps` and `port` print
    std::string host_ip;
    std::uint16_t host_port = 0;
    std::uint16_t target = 0;
    std::string protocol = "tcp";
    bool operator==(const PublishedPort&) const = default;
};

struct AttachedNetwork {
    std::string name;         // on the machine
    std::string compose_name; // in the compose file
    std::string ipv4, ipv6;   // without prefix; empty: none or not running
    std::string mac;
    std::vector<std::string> aliases;
    bool operator==(const AttachedNetwork&) const = default;
};

struct AttachedMount {
    std::string type; // volume, bind, tmpfs, image
    std::string name; // of the volume
    std::string source;
    std::string target;
    bool read_only = false;
    bool anonymous = false;
    bool operator==(const AttachedMount&) const = default;
};

struct HealthCheckResult {
    std::int64_t start = 0, end = 0;
    int exit_code = 0;  // -1: the check could not run or ran out of time
    std::string output; // stdout and stderr, at most 4096 bytes
    bool operator==(const HealthCheckResult&) const = default;
};

struct ContainerInfo {
    std::string id; // 64 hex digits
    std::string name;
    std::string project;
    std::string service;
    int number = 1;
    bool oneoff = false;
    bool auto_remove = false;
    std::string image;    // as in the compose file
    std::string image_id; // sha256:…
    std::string config_hash;
    Labels labels;
    std::vector<std::string> command; // entrypoint and command
    std::int64_t created = 0;

    ContainerState state = ContainerState::created;
    Health health = Health::none;
    int failing_streak = 0; // healthchecks that failed in a row
    int pid = 0;            // 0: not running
    std::int64_t started_at = 0;
    std::int64_t finished_at = 0;
    int exit_code = 0;
    bool exit_known = true; // false: lost in a crash
    bool oom_killed = false;
    std::string error; // why it could not start
    int restart_count = 0;

    std::string network_mode; // bridge, none, host, container:<id>
    std::vector<AttachedNetwork> networks;
    std::vector<PublishedPort> ports;
    std::vector<std::string> expose; // "80/tcp", published ones included
    std::vector<AttachedMount> mounts;
    bool tty = false;
    bool open_stdin = false;
    std::string log_driver; // as asked for: json-file, local, none; another is kept as json-file is
    std::string log_path;   // empty with none
    bool operator==(const ContainerInfo&) const = default;
};

struct NetworkPool {
    std::string subnet, gateway; // gateway empty: none
    std::string ip_range;        // dynamic addresses come from it; empty: from the subnet
    std::map<std::string, std::string> aux_addresses;
    bool operator==(const NetworkPool&) const = default;
};

struct NetworkInfo {
    std::string name;
    std::string id;
    std::string project;
    std::string compose_name;
    std::string driver;
    std::map<std::string, std::string> driver_opts;
    std::vector<std::string> subnets;
    std::vector<NetworkPool> pools; // the same with what belongs to each
    bool internal = false;
    bool enable_ipv4 = true;
    bool enable_ipv6 = false;
    bool attachable = false;
    std::string scope = "local"; // or swarm
    bool leaving = false;        // it has been removed, and goes with the last container that is on it
    Labels labels;
    std::int64_t created = 0;
    bool operator==(const NetworkInfo&) const = default;
};

struct VolumeInfo {
    std::string name;
    std::string project;
    std::string compose_name;
    std::string driver;
    std::map<std::string, std::string> driver_opts;
    std::string mountpoint;
    bool anonymous = false;
    Labels labels;
    std::int64_t created = 0;
    bool operator==(const VolumeInfo&) const = default;
};

struct ProjectInfo { // `ls`
    std::string name;
    std::string working_dir;
    std::vector<std::string> config_files;
    std::map<ContainerState, int> containers; // how many in each state
    bool operator==(const ProjectInfo&) const = default;
};

constexpr const char* to_string(ContainerState state) {
    switch (state) {
    case ContainerState::created: return "created";
    case ContainerState::running: return "running";
    case ContainerState::paused: return "paused";
    case ContainerState::restarting: return "restarting";
    case ContainerState::removing: return "removing";
    case ContainerState::exited: return "exited";
    case ContainerState::dead: return "dead";
    }
    return "";
}

constexpr const char* to_string(Health health) { // none: ""
    switch (health) {
    case Health::none: return "";
    case Health::starting: return "starting";
    case Health::healthy: return "healthy";
    case Health::unhealthy: return "unhealthy";
    }
    return "";
}

} // namespace davit
#pragma GCC visibility pop
