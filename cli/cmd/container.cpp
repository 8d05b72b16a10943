#include "cli/cmd/container_act.hpp"
#include "cli/cmd/container_copy.hpp"
#include "cli/cmd/container_look.hpp"
#include "cli/cmd/container_run.hpp"
#include "cli/cmd/verbs.hpp"

namespace davit::cli {

int run_container(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"attach", "Attach local standard input, output, and error streams to a running container",
         run_container_attach},
        {"commit", "Create a new image from a container's changes", run_container_commit},
        {"cp", "Copy files/folders between a container and the local filesystem", run_container_cp},
        {"create", "Create a new container", run_container_create},
        {"diff", "Inspect changes to files or directories on a container's filesystem", run_container_diff},
        {"exec", "Execute a command in a running container", run_container_exec},
        {"export", "Export a container's filesystem as a tar archive", run_container_export},
        {"inspect", "Display detailed information on one or more containers", run_container_inspect},
        {"kill", "Kill one or more running containers", run_container_kill},
        {"logs", "Fetch the logs of a container", run_container_logs},
        {"ls", "List containers", run_container_ls, VerbGroup::project, "list ps"},
        {"pause", "Pause all processes within one or more containers", run_container_pause},
        {"port", "List port mappings or a specific mapping for the container", run_container_port},
        {"prune", "Remove all stopped containers", run_container_prune},
        {"rename", "Rename a container", run_container_rename},
        {"restart", "Restart one or more containers", run_container_restart},
        {"rm", "Remove one or more containers", run_container_rm, VerbGroup::project, "remove"},
        {"run", "Create and run a new container from an image", run_container_run},
        {"start", "Start one or more stopped containers", run_container_start},
        {"stats", "Display a live stream of container(s) resource usage statistics", run_container_stats},
        {"stop", "Stop one or more running containers", run_container_stop},
        {"top", "Display the running processes of a container", run_container_top},
        {"unpause", "Unpause all processes within one or more containers", run_container_unpause},
        {"update", "Update configuration of one or more containers", run_container_update},
        {"wait", "Block until one or more containers stop, then print their exit codes", run_container_wait},
    };
    return run_group(globals, args, "container", "Manage containers, of compose projects and beside them", verbs);
}

} // namespace davit::cli
