// The flags of `service create` and `service update`: what may be given, what each value may be, and the
// specification that comes out. Pure but for reading --env-file; the process's environment is never read.
#pragma once

#include "davit/swarm.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

enum class FlagKind : std::uint8_t {
    text,
    boolean,
    integer,  // with sign
    number,   // without
    ratio,    // a floating-point number
    duration, // 1m30s
    positive, // a duration that is not negative
    cpus,
    bytes,
    words, // split as a shell does
    list,  // the rest may be given several times
    pair,  // KEY=VALUE
    port,
    mount,
    network,
    config,
    secret,
    ulimit,
    host,
    address,
    resource,   // KIND=NUMBER
    preference, // spread=…
    credential, // config://, file://, registry://
    label,      // KEY or KEY=VALUE, with a key
    variable,   // the same of the environment
    domain,
};

struct ServiceFlag {
    const char* name;
    char short_name;  // '\0': none
    const char* type; // as --help shows it; "": a flag
    FlagKind kind;
    bool on_create, on_update;
    const char* help;
};
std::span<const ServiceFlag> service_flags();

// What was given: the values of each flag, in order; a boolean's are "true" and "false".
struct ServiceFlags {
    std::map<std::string, std::vector<std::string>, std::less<>> given;
    std::string image;             // create: the first argument
    std::vector<std::string> args; // create: the others

    // Throws Error(usage) with docker's text for a value that the flag cannot have.
    void add(const ServiceFlag& flag, const std::string& value);
    bool has(std::string_view name) const { return given.find(name) != given.end(); }
    bool is_true(std::string_view name) const;
};

struct FlagSurroundings {
    std::string current_dir; // absolute
    std::map<std::string, std::string> environment;
    // The id of a network by name or id; throws Error(not_found). Empty: names stay.
    std::function<std::string(const std::string&)> network_id;
};

// Configs and secrets are named without ids. Throws Error: for flags that exclude each other, for files.
swarm::ServiceSpec create_spec(const ServiceFlags& flags, const FlagSurroundings& around);
// spec: as it stands. Lists come out in docker's order.
swarm::ServiceSpec updated_spec(const swarm::ServiceSpec& spec, const ServiceFlags& flags,
                                const FlagSurroundings& around);
// `service scale`: replicas, or completions of a job. Throws Error for global services.
swarm::ServiceSpec scaled_spec(const swarm::ServiceSpec& spec, std::uint64_t replicas);

// What the engine refuses whoever sends it: "unrecognized update order x", "duplicate published ports provided" …
// Throws Error(invalid_project).
void check_spec(const swarm::ServiceSpec& spec);
// Of services and networks: "name must be valid as a DNS name component".
void check_swarm_name(const std::string& name);

} // namespace davit
#pragma GCC visibility pop
