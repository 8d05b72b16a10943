// davit itself on this machine: where it keeps things, what takes the disk there, and what is left over that nobody
// accounts for. Nothing here takes a lock; several threads may call at once.
#pragma once

#include "davit/engine.hpp"

#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct Directories {
    std::string state, run;
};
// Those of an Engine without options: of the environment, or the default of this user. They need not exist.
Directories default_directories();

// What cap_add and cap_drop take beside "ALL": "CHOWN", "NET_ADMIN" … in the order of the kernel's numbers.
std::vector<std::string> capability_names();

// Everything davit makes carries its name, so everything stale can be found.
struct Leak {
    enum class Kind {
        bridge,
        interface,
        firewall_table,
        firewall_rule,
        sysctl,
        network_state,       // of the host's network
        endpoints_file,      // of a project that does not run, on a shared network
        addresses_file,      // kept for a project that is gone
        cgroup,              // davit/… without a container or supervisor in it
        process,             // a shim or supervisor whose container or project is gone
        unsupervised,        // a container that runs without shim and supervisor
        run_directory,       // of a project or container without record
        supervisor_socket,   // its supervisor is dead
        staging,             // of a plan that nobody carries out
        container_directory, // half-made: no record
        volume_directory,
        temporary_file, // of an interrupted write
        image_leftover, // of an interrupted pull, load or removal
        mount,          // below davit's directories
        container_name, // noted for a container that is gone, or not noted
        service,        // what a killed command prepared for a service that it did not record
    };
    Kind kind{};
    std::string name;    // link, path, group or pid
    std::string project; // empty: unknown
    std::string text;    // one sentence
    std::string remedy;  // by hand
};
const char* to_string(Leak::Kind kind); // "bridge", "image leftover"

// Reads /proc, /sys, both directories and netlink; some milliseconds, half a second where there is something: it has to
// be there all that time. What a running command is busy with (its project's lock is held) is no leak. Errors: denied
// (not root).
std::vector<Leak> find_leaks(Engine& engine);
// Removes one; blocks up to seconds (control groups). Errors: failed.
void remove_leak(Engine& engine, const Leak& leak);

struct DiskUse {
    enum class Kind {
        log,     // of container `name`
        written, // what container `name` has written into its own layer
        volume,  // the volume `name`
        images   // all of them
    };
    Kind kind{};
    std::string name;
    std::string path;
    std::uint64_t bytes = 0; // that its files take
};
// The biggest first. Blocks on the disk: looks at 200000 files at most. Errors: failed.
std::vector<DiskUse> disk_use(Engine& engine);

} // namespace davit
#pragma GCC visibility pop
