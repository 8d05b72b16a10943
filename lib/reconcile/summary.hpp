// A plan as people read it.
#pragma once

#include "davit/plan.hpp"

namespace davit {

// What it comes to, one line for each container, network, volume and image:
// web-1: recreate: environment MODE "dev" → "staging"
std::string to_summary(const Plan& plan);

} // namespace davit
