// What a boot takes from task templates: their compiled steps fit the control groups of one boot, and the supervisor
// cannot compile. Whoever comes to a project of services first in another boot makes them again.
#pragma once

#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"

#include <string>

namespace davit {

// As SupervisorClient::connect_or_start(); for every project that may have services.
SupervisorClient start_task_supervisor(const RecordStore& store, const std::string& project);

// Templates whose steps are of another boot, and containers of tasks that have not begun in any. A template that cannot
// be compiled keeps its tasks from starting, with the reason; one that cannot be read is left alone with a warning.
void restage_tasks(const RecordStore& store, const std::string& project);

} // namespace davit
