// A Swarm service's specification as somebody reads it in a comparison: without the levels of Docker's API, and each
// environment variable by its name. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace davit {

// What is no such specification (a service of a compose project) comes back as it is.
nlohmann::json in_plain_shape(nlohmann::json service);

} // namespace davit
