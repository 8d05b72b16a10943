// A project made fit to run beside others like it. Pure.
#pragma once

#include "davit/project.hpp"

#include <string>

namespace davit {

// Another name for a complete project, and what on the machine is named after it: see ScopeOptions::unique.
Project renamed(const Project& project, const std::string& name);
// Every published port is a free one.
void free_ports(Project& project);

} // namespace davit
