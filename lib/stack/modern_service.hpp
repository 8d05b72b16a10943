// A service of a compose file of today as Swarm's.
#pragma once

#include "davit/labels.hpp"
#include "davit/project.hpp"
#include "davit/stack.hpp"

#include <set>
#include <string>

namespace davit::stack {

// What the files are loaded under: a stack's name need not be a project's.
inline constexpr const char* modern_project = "davit-stack";

struct ModernScope {
    std::string stack;
    const Project& project;
    // Services whose depends_on is a map: the list form orders nothing, as Swarm has it.
    std::set<std::string> with_map;
    // Names that the loader made of its project's name are the stack's.
    std::string own_name(const std::string& name, const std::string& key) const {
        return name.empty() || name == std::string(modern_project) + "_" + key ? stack + "_" + key : name;
    }
    swarm::Labels labelled(swarm::Labels labels) const {
        labels[label::stack] = stack;
        return labels;
    }
};

swarm::ServiceSpec service_of(const ModernScope& scope, const Service& service);
// Keys of services that Swarm has no use for, "a, b"; empty: none.
std::string ignored_keys_of(const Project& project);

} // namespace davit::stack
