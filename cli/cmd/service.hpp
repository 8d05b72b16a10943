// The verbs of `davit service`, and what those that list tasks share.
#pragma once

#include "cli/app.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "davit/swarm_look.hpp"

#include <string>
#include <vector>

namespace davit::cli {

int run_service_inspect(Globals&, const Args&);
int run_service_logs(Globals&, const Args&);
int run_service_ls(Globals&, const Args&);
int run_service_ps(Globals&, const Args&);

// The flags of `service ps`, `stack ps` and `node ps`.
struct TaskListFlags {
    bool no_resolve = false, no_trunc = false, quiet = false;
    std::string format;
    Filters filters;
    void add_to(Options& options);
};
// Prints the tasks that pass. How many did; none_is_fine: else nothing is printed when it is 0.
std::size_t list_tasks(Engine& engine, std::vector<swarm::FoundTask> tasks, const TaskListFlags& flags,
                       bool none_is_fine);
std::vector<swarm::FoundTask> tasks_of(Engine& engine, const std::vector<swarm::Service>& services);

// `service ls` and `stack services`.
struct ServiceListFlags {
    bool quiet = false;
    std::string format;
    Filters filters;
    void add_to(Options& options);
};
void list_services(Engine& engine, const std::vector<swarm::Service>& services, const ServiceListFlags& flags);
std::vector<swarm::Service> passing(const std::vector<swarm::Service>& services, const Filters& filters);

} // namespace davit::cli
