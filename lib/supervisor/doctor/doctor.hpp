// `davit system doctor`: what of davit's is in the kernel and on disk that no record or living
// project accounts for. Everything davit makes carries its name, so everything stale can be found.
#pragma once

#include "project/paths.hpp"

#include <string>
#include <vector>

namespace davit {

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
        image_leftover, // of an interrupted pull, load or removal: the client finds and removes these
        mount,          // below davit's directories
    };
    Kind kind{};
    std::string name;    // link, path, group or pid
    std::string project; // empty: unknown
    std::string text;    // one sentence
    std::string remedy;  // by hand
};

const char* to_string(Leak::Kind kind);

// Reads /proc, /sys, both roots and netlink; some milliseconds. What a running command is busy with
// (its project's lock is held) is no leak.
std::vector<Leak> find_leaks(const Roots& roots);
// Removes one. Throws when that fails; blocks up to seconds (control groups).
void fix_leak(const Roots& roots, const Leak& leak);

} // namespace davit
