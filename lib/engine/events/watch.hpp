// A project's events over the lives of its supervisors.
#pragma once

#include "davit/engine.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace davit {

// Calls sink for every event until it returns false or stop is requested. While no supervisor runs it
// waits, without polling, for the next one. gap: a supervisor may have come and gone meanwhile, or did so
// just now; what it did stands in the records; false: no more is wanted.
void watch_project(Engine& engine, const std::string& project, const std::function<bool(const Event&)>& sink,
                   std::stop_token stop, const std::function<bool()>& gap);

} // namespace davit
