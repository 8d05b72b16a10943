// What a service's image is called, and its containers.
#pragma once

#include "davit/project.hpp"

#include <string>

namespace davit {

// What --compatibility is to the project that was loaded: the variable of the same name.
inline constexpr const char* compatibility_variable = "COMPOSE_COMPATIBILITY";

// Between the parts of the names of containers and of images that are built.
inline const char* name_separator(const Project& project) {
    const auto found = project.environment.find(compatibility_variable);
    return found != project.environment.end() && found->second == "true" ? "_" : "-";
}

// "nginx", or the name davit gives to what it builds for the service.
inline std::string image_reference(const Project& project, const Service& service) {
    return service.image.empty() ? project.name + name_separator(project) + service.name : service.image;
}

} // namespace davit
