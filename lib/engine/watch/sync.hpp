// Files of this machine → a container, through its own mounts: neither tar nor a shell is needed there.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "engine/watch/plan.hpp"

#include <vector>

namespace davit {

// What is here is written, with this machine's mode and time and the container's user as owner; what is not is removed
// there. A running container is written to as its processes see it, one that does not run through its layers. Blocks
// on the disk. Throws unavailable (it has just ended), not_found (it is gone), conflict, failed.
void sync_into(Engine& engine, const ContainerInfo& container, const std::vector<WatchCopy>& copies);

} // namespace davit
