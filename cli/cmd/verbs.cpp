#include "cli/cmd/verbs.hpp"

namespace davit::cli {

std::span<const Verb> verbs() {
    using enum VerbGroup;
    static const Verb table[] = {
        {"attach", "Attach to a service's running container", run_attach, project},
        {"build", "Build or rebuild services", run_build, project},
        {"builder", "Manage the build cache", run_builder, machine},
        {"commit", "Create a new image from a service container's changes", run_commit, project},
        {"__complete", "What the shell offers next", run_complete, hidden},
        {"completion", "Print the completion script of a shell", run_completion, machine},
        {"config", "Parse, resolve and render the compose file", run_config, inspect},
        {"container", "Look at the containers of all projects", run_container, machine},
        {"cp", "Copy files between a service container and this machine", run_cp, project},
        {"create", "Create containers for services", run_create, project},
        {"down", "Stop and remove containers and networks", run_down, project},
        {"events", "Receive real time events from containers", run_events, inspect},
        {"exec", "Execute a command in a running container", run_exec, project},
        {"export", "Export a container's file system as a tar archive", run_export, project},
        {"image", "Manage images", run_image, machine},
        {"images", "List images used by the created containers", run_images, inspect},
        {"kill", "Send a signal to the containers of services", run_kill, project},
        {"login", "Log in to a registry", run_login, machine},
        {"logout", "Log out from a registry", run_logout, machine},
        {"logs", "View output from containers", run_logs, inspect},
        {"ls", "List running compose projects", run_ls, machine},
        {"__manual", "A verb's manual page, for the build", run_manual, hidden},
        {"network", "Manage networks", run_network, machine},
        {"pause", "Freeze the processes of services", run_pause, project},
        {"plan", "Show what `up` would do, and why", run_plan, inspect},
        {"port", "Print the public port for a port binding", run_port, inspect},
        {"ps", "List containers", run_ps, inspect},
        {"publish", "Publish the application (not in this version)", run_publish, hidden},
        {"pull", "Pull service images", run_pull, project},
        {"push", "Push service images", run_push, project},
        {"restart", "Restart the containers of services", run_restart, project},
        {"rm", "Remove stopped service containers", run_rm, project},
        {"run", "Run a one-off command on a service", run_run, project},
        {"scale", "Set how many containers services have", run_scale, project},
        {"start", "Start the containers of services", run_start, project},
        {"stats", "Display resource usage of containers", run_stats, inspect},
        {"stop", "Stop the containers of services", run_stop, project},
        {"system", "Look after davit itself", run_system, machine},
        {"top", "Display the running processes", run_top, inspect},
        {"unpause", "Let frozen services go on", run_unpause, project},
        {"up", "Create and start containers", run_up, project},
        {"version", "Show the version of davit", run_version, inspect},
        {"volume", "Manage volumes", run_volume, machine},
        {"volumes", "List the volumes of the project", run_volumes, inspect},
        {"wait", "Block until containers of services stop", run_wait, project},
        {"watch", "Refresh containers when files change", run_watch, project},
    };
    return table;
}

} // namespace davit::cli
