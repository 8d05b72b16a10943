#include "cli/cmd/service.hpp"
#include "cli/cmd/service_act.hpp"
#include "cli/cmd/swarm_history.hpp"
#include "cli/cmd/verbs.hpp"

namespace davit::cli {

int run_service(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a new service", run_service_create},
        {"diff", "Show what differs between two revisions of a service", run_service_diff},
        {"history", "List the revisions of a service", run_service_history},
        {"inspect", "Display detailed information on one or more services", run_service_inspect},
        {"logs", "Fetch the logs of a service or task", run_service_logs},
        {"ls", "List services", run_service_ls, VerbGroup::project, "list"},
        {"ps", "List the tasks of one or more services", run_service_ps},
        {"rm", "Remove one or more services", run_service_rm, VerbGroup::project, "remove"},
        {"rollback", "Revert changes to a service's configuration", run_service_rollback},
        {"scale", "Scale one or multiple replicated services", run_service_scale},
        {"update", "Update a service", run_service_update},
    };
    return run_swarm_group(globals, args, "service", "Manage Swarm services", verbs);
}

} // namespace davit::cli
