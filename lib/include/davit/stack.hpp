// Stack files: compose files of version 3 as `docker stack deploy` reads them, which is not how compose files are
// read today. They become what Swarm makes of a stack: services, networks, configs and secrets.
// Pure but for reading files; the process's environment is never read. Thread-safe.
#pragma once

#include "davit/load.hpp"
#include "davit/services.hpp"
#include "davit/swarm.hpp"

#include <map>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct StackOptions {
    std::vector<std::string> files; // in order, relative to `current_dir`; "-" = `stdin_text`
    std::string stdin_text;
    std::string current_dir;                        // absolute
    std::map<std::string, std::string> environment; // all that variables are replaced from
    bool interpolate = true;
    // Where version 3 refuses a key, read the files as compose files of today.
    bool accept_modern = false;
};

struct Stack {
    std::string name;
    // Lines for stderr: ignored keys, deprecated ones, the key because of which the file was read as a modern one.
    std::vector<std::string> warnings;
    std::vector<SwarmNetwork> networks; // to make; by name
    // That must exist, for swarm; by name.
    std::vector<std::string> external_networks;
    // To make, with their content; by name.
    std::vector<swarm::ConfigSpec> secrets, configs;
    // By name. References to configs and secrets have names and no ids yet; an external one has its own name.
    std::vector<swarm::ServiceSpec> services;
};

// name: of the stack, "votes". Throws LoadError for mistakes in the files, Error for what cannot be read and for what
// only becomes wrong as a stack ("service web: undefined network \"x\"").
Stack load_stack(const std::string& name, const StackOptions& options);

// What `stack config` prints: the files as they were understood, merged.
std::string render_stack(const StackOptions& options);

} // namespace davit
#pragma GCC visibility pop
