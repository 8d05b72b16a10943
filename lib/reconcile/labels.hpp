// The com.docker.compose.* labels that containers, networks and volumes carry, as Compose v5 writes them.
#pragma once

#include "davit/container.hpp"
#include "davit/project.hpp"

#include <map>
#include <string>

namespace davit::label {

inline constexpr const char* project = "com.docker.compose.project";
inline constexpr const char* service = "com.docker.compose.service";
inline constexpr const char* number = "com.docker.compose.container-number";
inline constexpr const char* oneoff = "com.docker.compose.oneoff";
inline constexpr const char* config_hash = "com.docker.compose.config-hash";
inline constexpr const char* image = "com.docker.compose.image";
inline constexpr const char* depends_on = "com.docker.compose.depends_on";
inline constexpr const char* working_dir = "com.docker.compose.project.working_dir";
inline constexpr const char* config_files = "com.docker.compose.project.config_files";
inline constexpr const char* environment_file = "com.docker.compose.project.environment_file";
inline constexpr const char* version = "com.docker.compose.version";
inline constexpr const char* network = "com.docker.compose.network";
inline constexpr const char* volume = "com.docker.compose.volume";
inline constexpr const char* hook = "com.docker.compose.hook"; // pre_start containers
inline constexpr const char* slug = "com.docker.compose.slug";
inline constexpr const char* replace = "com.docker.compose.replace";
inline constexpr const char* anonymous = "com.docker.volume.anonymous"; // the engine's own

// Those that compose did not give.
Labels of_user(Labels labels);

// "db:service_healthy:false,cache:service_started:true"
std::string depends_on_text(const std::map<std::string, Dependency>& dependencies);
// The reverse; what does not parse is left out.
std::map<std::string, Dependency> parse_depends_on(const std::string& text);

} // namespace davit::label
