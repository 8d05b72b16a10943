// The tree of a stack file, made from the project's own tree: what version 3 knows stays as it is.
#pragma once

#include "compose/diagnostics.hpp"
#include "export/targets.hpp"

#include <string>

namespace davit::exports {

struct StackFile {
    const Scope& scope;
    yaml::Tree& tree;
    yaml::Node* root = nullptr;
    bool host_network = false, none_network = false; // some service is on it
    int version = 9;                                 // 3.x

    void needs_version(int minor) { version = minor > version ? minor : version; }
    yaml::Node* text(std::string_view s) { return tree.string(s); }
    // The mapping below the key; made where there is none.
    yaml::Node& map_in(yaml::Node& parent, std::string_view key);
};

// ports.cpp
void swarm_ports(StackFile& file, const Service& service, yaml::Node& node);
void note_ports_of_others(const StackFile& file);
// names.cpp
void note_swarm_names(const StackFile& file);
// The name of a config or a secret with its version, as Swarm takes it; `path` is where it says so when it takes it
// not.
std::string versioned(const StackFile& file, const std::string& path, const std::string& name,
                      const std::string& version);

void rewrite_service(StackFile& file, const Service& service, yaml::Node& node);

} // namespace davit::exports
