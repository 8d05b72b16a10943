// An export handed to the engine it was made for: what its own client (docker, kubectl, aws) is asked, and in which
// order. Pure: who deploys runs the commands, and stops at the first that fails.
#pragma once

#include "davit/export.hpp"
#include "davit/project.hpp"

#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct DeployTarget {
    ExportTarget target = ExportTarget::swarm;
    std::string directory;       // where the export is
    std::string context;         // docker's or kubectl's; empty: the current one
    std::string name;            // of the stack; the namespace; ECS: not used
    bool make_namespace = false; // it is not there yet
    std::string account, region; // ECS
    int timeout = 600;           // seconds for one workload to be ready; Kubernetes
    bool stack_waits = false;    // `docker stack deploy` has --detach (docker 26 and newer)
    bool wait = true;
    // Take away what was deployed before and is no longer in the file. To Swarm what is not in the export: docker's own
    // --prune, which knows no more than the stack file, removes services that profiles have left out, too.
    bool prune = false;
    std::vector<std::string> selected; // the services that alone were exported; empty: all
};

struct DeployCommand {
    std::string title; // "waiting for deployment/web"
    std::vector<std::string> argv;
    std::vector<std::string> environment; // "K=V", beside the caller's
};

struct DeployPlan {
    std::vector<DeployCommand> before_images; // where they are pushed to
    std::vector<DeployCommand> commands;
};

// Errors: usage (systemd is nothing that is deployed to; to Swarm what is selected with `prune` would take away all
// others). The first asks no more than that.
void check_deploy_target(const DeployTarget& target);
DeployPlan deploy_plan(const ExportResult& exported, const DeployTarget& target);

// The project whose builds have the names under which the export runs them: build it, push it.
Project with_exported_images(Project project, const ExportResult& exported, const DeployTarget& target);

} // namespace davit
#pragma GCC visibility pop
