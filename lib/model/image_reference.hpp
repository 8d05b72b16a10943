// What a service's image is called.
#pragma once

#include "davit/project.hpp"

#include <string>

namespace davit {

// "nginx", or the name davit gives to what it builds for the service.
inline std::string image_reference(const Project& project, const Service& service) {
    return service.image.empty() ? project.name + "-" + service.name : service.image;
}

} // namespace davit
