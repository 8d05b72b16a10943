// What is told and read back in the com.docker.compose.* labels, as Compose v5 writes them.
#pragma once

#include "davit/container.hpp"
#include "davit/labels.hpp"
#include "davit/project.hpp"

#include <map>
#include <string>

namespace davit::label {

// Those that compose did not give.
Labels of_user(Labels labels);

// What mounts of type image have, for the label of that name: ids by the mount's target.
std::string image_volumes_text(const std::map<std::string, std::string>& ids);

// "db:service_healthy:false,cache:service_started:true"
std::string depends_on_text(const std::map<std::string, Dependency>& dependencies);
// The reverse; what does not parse is left out.
std::map<std::string, Dependency> parse_depends_on(const std::string& text);

} // namespace davit::label
