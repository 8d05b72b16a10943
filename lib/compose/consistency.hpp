// What must hold between the parts of a project: references, conflicts, cycles.
#pragma once

#include "compose/diagnostics.hpp"
#include "davit/project.hpp"

#include <set>
#include <string>
#include <vector>

namespace davit::compose {

// Finds every violation; the path says where. Makes deploy.replicas equal to scale.
void check_consistency(Project&, std::vector<Diagnostic>& out);
// The same for these services, which are enabled after the others; they may depend on disabled ones.
void check_consistency_of(Project&, const std::set<std::string>& services, std::vector<Diagnostic>& out);
// Two services with one container name.
void check_container_names(const Project&, std::vector<Diagnostic>& out);

} // namespace davit::compose
