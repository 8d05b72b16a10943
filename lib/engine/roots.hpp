// Where an engine keeps things, for the library's own functions beside it.
#pragma once

#include "davit/engine.hpp"
#include "project/paths.hpp"

namespace davit {

inline Roots roots_of(const Engine& engine) { return {engine.state_dir(), engine.run_dir()}; }

} // namespace davit
