#include "cli/cmd/stack.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/cmd/swarm_history.hpp"
#include "cli/cmd/verbs.hpp"

namespace davit::cli {

int run_stack(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"config", "Outputs the final config file, after doing merges and interpolations", run_stack_config},
        {"deploy", "Deploy a new stack or update an existing stack", run_stack_deploy, VerbGroup::project, "up"},
        {"diff", "Show what differs between two revisions of a stack", run_stack_diff},
        {"history", "List the revisions of a stack", run_stack_history},
        {"ls", "List stacks", run_stack_ls, VerbGroup::project, "list"},
        {"ps", "List the tasks in the stack", run_stack_ps},
        {"rm", "Remove one or more stacks", run_stack_rm, VerbGroup::project, "remove down"},
        {"rollback", "Bring an earlier revision of a stack back", run_stack_rollback},
        {"services", "List the services in the stack", run_stack_services},
    };
    return run_swarm_group(globals, args, "stack", "Manage Swarm stacks", verbs);
}

} // namespace davit::cli
