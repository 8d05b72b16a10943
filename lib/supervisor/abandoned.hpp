// The machine's project has no lock that tells whose what stands in staging/ is: each client locks the container that
// it stages. What is left of one that was killed is found here.
#pragma once

#include "project/paths.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::supervisor {

// Entries of staging/ that neither a client nor a plan has. planned: whether a plan names the container. Locks of
// clients that are gone are removed.
std::vector<std::string> abandoned_staging(const ProjectPaths& paths,
                                           const std::function<bool(const std::string& id)>& planned);

} // namespace davit::supervisor
