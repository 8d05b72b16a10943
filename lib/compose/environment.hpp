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

// Reads the env_file and label_file of the enabled services. The lists are emptied.
void read_service_env_files(Tree&, Project&, const Environment&, Diagnostics&);
void read_service_label_files(Tree&, Project&, Diagnostics&);
// Of services that are not selected: a file that is missing there is nobody's fault yet.
void read_files_of_others(Tree&, Project&, const std::set<std::string>& names, const LoadOptions&, const Environment&);

} // namespace davit::compose
