// How far a service has come to what was asked for, from its records. Pure.
#pragma once

#include "davit/services.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace davit {

// converged: all that is wanted runs (a job: is complete) as the specification says, verified or not.
ConvergeProgress converge_progress(const swarm::Service& service, const std::vector<swarm::Task>& tasks);

struct Verdict {
    bool under_way = false; // an update or rollback that has not come to its end
    bool over = false;      // it has, and has been watched for its monitor time
    std::string failure;    // it will come no further: "service update paused: …"
};
Verdict update_verdict(const swarm::Service& service);

std::chrono::nanoseconds monitor_time(const swarm::Service& service);

} // namespace davit
