// Plans over one container, whichever project's: what `docker start|stop|kill|…` says. Pure. An empty plan: it is so
// already.
#pragma once

#include "davit/containers.hpp"
#include "davit/plan.hpp"
#include "reconcile/observed.hpp"

#include <string>

namespace davit {

// Throws conflict for a paused one.
Plan plan_start(const ObservedContainer& container, const StartContainerOptions& options);
Plan plan_stop(const ObservedContainer& container, const StopContainerOptions& options);
Plan plan_restart(const ObservedContainer& container, const StopContainerOptions& options);
// These throw conflict for one that does not run; pause and unpause also for one that is paused, or is not.
Plan plan_kill(const ObservedContainer& container, const std::string& signal);
Plan plan_pause(const ObservedContainer& container);
Plan plan_unpause(const ObservedContainer& container);
// Throws conflict for one that runs, unless it is forced.
Plan plan_remove(const ObservedContainer& container, const RemoveContainerOptions& options);

} // namespace davit
