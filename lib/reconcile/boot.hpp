// What becomes of a project's containers when the machine has started, and before it goes down. Pure.
#pragma once

#include "davit/boot.hpp"
#include "reconcile/lifecycle.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit {

// Whether whoever supervises the project finds out by itself what should run: stacks, and services that have none.
bool resumes_itself(const std::string& project);

// Docker's rules for a container after a reboot. this_boot: its status is of this boot, so somebody has worked on it
// since; it may have been stopped by shut_down().
BootStep at_boot(const ContainerRecord& record, const ContainerStatus& status, bool this_boot);

struct BootPlan {
    Plan plan;
    std::vector<std::string> notes;
};
// steps: by container id. unable: those that cannot be started; nor can what needs them.
BootPlan plan_boot(const Scene& scene, const std::map<std::string, BootStep>& steps,
                   const std::set<std::string>& unable);

// Everything stops, against the dependencies, and is meant to run on. longest: no grace is longer.
Plan plan_shutdown(const Scene& scene, const Timeout& longest, bool hooks = true);
// At once: nobody has time to wait for others.
Plan plan_shutdown_now(const Scene& scene);

} // namespace davit
