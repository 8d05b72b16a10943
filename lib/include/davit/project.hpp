// A compose project as plain values. See service.hpp for the conventions.
#pragma once

#include "davit/service.hpp"
#include "davit/value.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct IpamPool {
    std::string subnet; // CIDR
    std::string gateway;
    std::string ip_range; // CIDR
    std::map<std::string, std::string> aux_addresses;
    Extensions extensions;
    bool operator==(const IpamPool&) const = default;
};

struct Ipam {
    std::string driver;
    std::vector<IpamPool> config;
    std::map<std::string, std::string> options;
    Extensions extensions;
    bool operator==(const Ipam&) const = default;
};

struct Network {
    std::string key;  // below `networks:`
    std::string name; // on the machine: <project>_<key>, or as given
    std::string driver;
    std::map<std::string, std::string> driver_opts;
    Ipam ipam;
    bool external = false; // not ours: must exist, is never changed or removed
    bool internal = false;
    bool attachable = false;
    std::map<std::string, std::string> labels;
    std::optional<bool> enable_ipv4; // unset: yes
    std::optional<bool> enable_ipv6; // unset: no
    Extensions extensions;
    Origin origin;
    bool operator==(const Network&) const = default;
};

struct Volume {
    std::string key;
    std::string name;   // on the machine: <project>_<key>, or as given
    std::string driver; // "" = local
    std::map<std::string, std::string> driver_opts;
    bool external = false;
    std::map<std::string, std::string> labels;
    Extensions extensions;
    Origin origin;
    bool operator==(const Volume&) const = default;
};

// A config or a secret: exactly one of file, environment, content (configs only), or external.
struct FileObject {
    std::string key;
    std::string name;
    std::string file;                   // absolute
    std::string environment;            // name of the variable
    std::optional<std::string> content; // configs: inline text. With `environment`: the value at load time, if set
    bool external = false;
    std::map<std::string, std::string> labels;
    std::string driver;
    std::map<std::string, std::string> driver_opts;
    std::string template_driver;
    Extensions extensions;
    Origin origin;
    bool operator==(const FileObject&) const = default;
};

struct Model {
    std::string key;
    std::string name;
    std::string model;
    std::int64_t context_size = 0;
    std::vector<std::string> runtime_flags;
    Extensions extensions;
    bool operator==(const Model&) const = default;
};

struct Project {
    std::string name;
    std::string working_dir;                        // absolute: relative paths are relative to it
    std::vector<std::string> compose_files;         // absolute, in order; "-" is standard input
    std::vector<std::string> env_files;             // those read for interpolation, absolute
    std::map<std::string, std::string> environment; // what interpolation saw
    std::vector<std::string> profiles;              // the active ones

    std::map<std::string, Service> services;          // enabled and selected
    std::map<std::string, Service> disabled_services; // by profiles or selection
    std::map<std::string, Network> networks;
    std::map<std::string, Volume> volumes;
    std::map<std::string, FileObject> secrets;
    std::map<std::string, FileObject> configs;
    std::map<std::string, Model> models;
    Extensions extensions;
    bool operator==(const Project&) const = default;

    // The service, enabled or not; nullptr if there is none.
    const Service* find(const std::string& service) const;
    // As find(), to look at and to change. Throws Error(not_found).
    const Service& service(const std::string& key) const;
    Service& service(const std::string& key);
};

// What to run, with `scale`, `deploy.replicas` and the default 1 taken together.
int replicas(const Service&);
// The networks of a service in the order they are connected: priority, then name.
std::vector<std::string> network_order(const Service&);

// cpus, memory, pids with `deploy.resources` folded in (the loader refuses contradictions).
struct EffectiveLimits {
    double cpus = 0;
    std::int64_t memory = 0;
    std::int64_t memory_reservation = 0;
    std::optional<std::int64_t> pids;
    bool operator==(const EffectiveLimits&) const = default;
};
EffectiveLimits effective_limits(const Service&);

// `deploy.restart_policy` and `restart` as one.
struct RestartPolicy {
    enum class Kind { no, always, on_failure, unless_stopped } kind = Kind::no;
    std::uint64_t max_attempts = 0; // on_failure only; 0 = no end
    bool operator==(const RestartPolicy&) const = default;
};
RestartPolicy effective_restart(const Service&);

// The names that match the patterns (shell globs), each with what it depends on, if asked.
// Throws Error(not_found) "no such service: x".
enum class Dependencies { include, ignore };
std::set<std::string> match_services(const Project&, const std::vector<std::string>& patterns, Dependencies);
// A copy whose `services` are those (all if `patterns` is empty); the others move to disabled_services.
// With Dependencies::ignore the dependencies on unselected services are dropped.
Project select_services(Project, const std::vector<std::string>& patterns, Dependencies = Dependencies::include);
// Enables services that profiles disable, as naming them on the command line does. What they need
// of files and resources is there only if the project was loaded so: LoadOptions::named.
Project enable_services(Project, const std::vector<std::string>& names);
// Removes networks, volumes, configs, secrets and models no enabled service uses.
Project without_unused_resources(Project);

// Start order by levels: a service's dependencies are in earlier levels. Dependencies on services
// that are not enabled are left out. Throws Error(invalid_project) naming the cycle.
std::vector<std::vector<std::string>> dependency_levels(const Project&);
// The enabled services that depend on it, directly.
std::vector<std::string> dependents_of(const Project&, const std::string& service);

} // namespace davit
#pragma GCC visibility pop
