// What the environment gives: values of bare variables, secrets and configs, env_file, label_file.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/template.hpp"
#include "davit/load.hpp"
#include "davit/project.hpp"

#include <set>
#include <string>

namespace davit::compose {

// KEY in a list of a service's environment becomes KEY=value; configs with environment get a content.
void resolve_environment(Tree&, Node& document, const Environment&);

// Reads the env_file and label_file of the enabled services, as the options ask. The lists are emptied. A file that is
// missing is nobody's fault yet where only other services are needed (none named: all are).
void read_service_files(Tree&, Project&, const std::set<std::string>& needed, const LoadOptions&, const Environment&,
                        Diagnostics&);

} // namespace davit::compose
