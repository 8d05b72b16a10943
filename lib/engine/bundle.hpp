// How a container was set up: its config.json.
#pragma once

#include "davit/container.hpp"
#include "project/paths.hpp"
#include "runtime/spec.hpp"

namespace davit {

runtime::Spec spec_of(const Roots& roots, const ContainerInfo& container);

} // namespace davit
