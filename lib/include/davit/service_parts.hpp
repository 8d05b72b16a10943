// The sub-objects of a service. See service.hpp for the conventions.
#pragma once

#include "davit/error.hpp"
#include "davit/value.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// A place in a file that takes no part in comparisons.
struct Origin {
    SourcePos pos;
    bool operator==(const Origin&) const { return true; }
};

struct EnvFile {
    std::string path; // absolute after path resolution
    bool required = true;
    std::string format; // "" = compose dotenv, "raw" = no interpolation
    bool operator==(const EnvFile&) const = default;
};

struct HealthCheck {
    // test[0] is CMD, CMD-SHELL or NONE; empty: the image's test.
    std::vector<std::string> test;
    std::optional<std::chrono::nanoseconds> interval;       // unset: the image's or 30 s
    std::optional<std::chrono::nanoseconds> timeout;        // unset: the image's or 30 s
    std::optional<std::uint64_t> retries;                   // unset: the image's or 3
    std::optional<std::chrono::nanoseconds> start_period;   // unset: the image's or 0 s
    std::optional<std::chrono::nanoseconds> start_interval; // unset: 5 s
    bool disable = false;
    Extensions extensions;
    bool operator==(const HealthCheck&) const = default;
};

// pre_start, post_start, pre_stop.
struct ServiceHook {
    std::optional<std::vector<std::string>> command;
    std::string image; // pre_start only: the service's image unless given
    std::string user;
    bool privileged = false;
    std::string working_dir;
    std::map<std::string, std::optional<std::string>> environment;
    bool per_replica = false; // pre_start only
    Extensions extensions;
    bool operator==(const ServiceHook&) const = default;
};

struct Provider {
    std::string type;
    std::map<std::string, std::vector<std::string>> options;
    Extensions extensions;
    bool operator==(const Provider&) const = default;
};

struct WatchRule {
    std::string path;
    std::string action; // rebuild sync restart sync+restart sync+exec
    std::string target;
    std::vector<std::string> include; // dockerignore syntax
    std::vector<std::string> ignore;
    std::optional<ServiceHook> exec;
    bool initial_sync = false;
    Extensions extensions;
    bool operator==(const WatchRule&) const = default;
};

struct Develop {
    std::vector<WatchRule> watch;
    Extensions extensions;
    bool operator==(const Develop&) const = default;
};

struct ServiceModel {
    std::string endpoint_var;
    std::string model_var;
    Extensions extensions;
    bool operator==(const ServiceModel&) const = default;
};

// completed: ended, whatever its exit code; of ECS task definitions ("COMPLETE").
enum class DependencyCondition { started, healthy, completed_successfully, completed };
constexpr bool wants_end(DependencyCondition c) {
    return c == DependencyCondition::completed_successfully || c == DependencyCondition::completed;
}

struct Dependency {
    DependencyCondition condition = DependencyCondition::started;
    bool restart = false;  // restart this service when the other is restarted
    bool required = true;  // false: a missing or failing dependency is only a warning
    bool inferred = false; // not written: from links, namespaces or volumes_from
    Extensions extensions;
    bool operator==(const Dependency&) const = default;
};

struct Logging {
    std::string driver;
    std::map<std::string, std::string> options;
    Extensions extensions;
    bool operator==(const Logging&) const = default;
};

struct Extends {
    std::string service;
    std::string file;
    bool operator==(const Extends&) const = default;
};

struct ServiceNetwork {
    std::vector<std::string> aliases;
    std::string ipv4_address;
    std::string ipv6_address;
    std::vector<std::string> link_local_ips;
    std::string mac_address;
    std::string interface_name;
    int priority = 0;    // higher is connected first
    int gw_priority = 0; // the highest gives the default gateway
    std::map<std::string, std::string> driver_opts;
    Extensions extensions;
    bool operator==(const ServiceNetwork&) const = default;
};

// One container port; short ranges are expanded, one entry per port.
struct Port {
    std::uint32_t target = 0;
    std::string published; // "", "8080", or "8080-8090": pick a free one of these
    std::string host_ip;   // "" = all
    std::string protocol;  // tcp udp sctp
    std::string mode;      // ingress host
    std::string name;
    std::string app_protocol;
    Extensions extensions;
    bool operator==(const Port&) const = default;
};

enum class MountType { bind, volume, tmpfs, npipe, image, cluster };

// What only one type of mount has.
struct MountBind {
    std::string propagation; // rprivate private rshared shared rslave slave
    bool create_host_path = true;
    std::string recursive; // enabled disabled writable readonly
    std::string selinux;   // z Z
    Extensions extensions;
    bool operator==(const MountBind&) const = default;
};

struct MountVolume {
    bool nocopy = false;
    std::string subpath;
    std::map<std::string, std::string> labels;
    Extensions extensions;
    bool operator==(const MountVolume&) const = default;
};

struct MountTmpfs {
    std::int64_t size = 0;
    std::uint32_t mode = 0;
    Extensions extensions;
    bool operator==(const MountTmpfs&) const = default;
};

struct MountImage {
    std::string subpath;
    Extensions extensions;
    bool operator==(const MountImage&) const = default;
};

struct Mount {
    using Bind = MountBind;
    using Volume = MountVolume;
    using Tmpfs = MountTmpfs;
    using Image = MountImage;
    MountType type = MountType::volume;
    std::string source; // path, key of the project's volumes, image; "" = anonymous volume
    std::string target;
    bool read_only = false;
    std::string consistency;
    std::optional<Bind> bind;
    std::optional<Volume> volume;
    std::optional<Tmpfs> tmpfs;
    std::optional<Image> image;
    Extensions extensions;
    Origin origin;
    bool operator==(const Mount&) const = default;
};

// A service's use of a config or secret.
struct FileReference {
    std::string source; // key of the project's configs or secrets
    std::string target; // secrets: relative to /run/secrets; configs: "" = /<source>
    std::string uid;
    std::string gid;
    std::optional<std::uint32_t> mode; // unset: 0444
    Extensions extensions;
    bool operator==(const FileReference&) const = default;
};

struct CredentialSpec {
    std::string config;
    std::string file;
    std::string registry;
    Extensions extensions;
    bool operator==(const CredentialSpec&) const = default;
};

struct Device {
    std::string source; // host path, or a CDI name vendor/class=name with target and permissions as given
    std::string target;
    std::string permissions; // rwm
    Extensions extensions;
    bool operator==(const Device&) const = default;
};

// `ulimits:` and `build.ulimits:`. With `single` the one number is both limits.
struct Ulimit {
    std::int64_t soft = 0; // -1 = unlimited
    std::int64_t hard = 0;
    bool single = false; // written as one number
    Extensions extensions;
    bool operator==(const Ulimit&) const = default;
};

struct BlkioConfig {
    struct Weight {
        std::string path;
        std::uint16_t weight = 0;
        bool operator==(const Weight&) const = default;
    };
    struct Rate {
        std::string path;
        std::int64_t rate = 0; // bytes or operations a second
        bool operator==(const Rate&) const = default;
    };
    std::uint16_t weight = 0; // 10..1000
    std::vector<Weight> weight_device;
    std::vector<Rate> device_read_bps;
    std::vector<Rate> device_read_iops;
    std::vector<Rate> device_write_bps;
    std::vector<Rate> device_write_iops;
    Extensions extensions;
    bool operator==(const BlkioConfig&) const = default;
};

} // namespace davit
#pragma GCC visibility pop
