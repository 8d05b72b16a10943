#include "cli/cmd/container_act.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "cli/attach/session.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/container_options.hpp"
#include "cli/confirm.hpp"
#include "cli/docker_errors.hpp"
#include "cli/filters.hpp"
#include "cli/format/size.hpp"
#include "cli/format/time.hpp"
#include "davit/container_list.hpp"

#include <climits>
#include <cstdio>
#include <optional>

namespace davit::cli {

namespace {

constexpr std::size_t side_by_side = 32;

// docker says nothing of a plan's steps.
void be_quiet(Globals& globals) {
    if (globals.progress.empty()) globals.progress = "quiet";
}

int whole_seconds(const std::string& text) {
    const auto number = parse_int(text);
    if (!number || *number < INT_MIN || *number > INT_MAX) throw error(Errc::usage, "a whole number is needed");
    return static_cast<int>(*number);
}

int stop_or_restart(Globals& globals, const Args& args, const char* synopsis, const char* summary, const char* failed,
                    void (*act)(Engine&, const ContainerInfo&, const StopContainerOptions&, std::stop_token)) {
    StopContainerOptions how;
    std::optional<int> seconds;
    std::vector<std::string> names;
    Options options(globals, synopsis, summary);
    options.value("s,signal", how.signal, "Signal to send to the container")
        .value("t,timeout", seconds, "Seconds to wait before killing the container")
        .each(
            "time", "int",
            [&](const std::string& text) {
                if (docker_is_spoken()) std::puts("Flag --time has been deprecated, use --timeout instead");
                seconds = whole_seconds(text);
            },
            "Seconds to wait before killing the container")
        .hidden()
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    if (seconds) how.timeout = std::chrono::seconds(*seconds);
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    return for_each_container(context, names,
                              [&](const ContainerInfo& c) {
                                  try {
                                      act(context.engine(), c, how, context.stop());
                                  } catch (const Error& e) {
                                      if (!docker_is_spoken()) throw;
                                      throw told_after(fmt::format("{}{}: ", failed, c.name), e);
                                  }
                              },
                              {side_by_side, "", nullptr});
}

int simply(Globals& globals, const Args& args, const char* synopsis, const char* summary,
           void (*act)(Engine&, const ContainerInfo&, std::stop_token)) {
    std::vector<std::string> names;
    Options options(globals, synopsis, summary);
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    return for_each_container(context, names, [&](const ContainerInfo& c) { act(context.engine(), c, context.stop()); },
                              {side_by_side, "", nullptr});
}

} // namespace

int run_container_exec(Globals& globals, const Args& args) {
    ExecOptions request;
    request.interactive = false;
    std::optional<std::string> keys;
    std::vector<std::string> words, env, env_files;
    Options options(globals, "container exec [OPTIONS] CONTAINER COMMAND [ARG...]",
                    "Execute a command in a running container");
    options.flag("d,detach", request.detach, "Detached mode: run command in the background")
        .value("detach-keys", keys, "Override the key sequence for detaching a container")
        .each(
            "e,env", "list",
            [&](const std::string& text) {
                if (text.empty() || text.front() == '=')
                    throw error(Errc::usage, "invalid environment variable: {}", text);
                env.push_back(text);
            },
            "Set environment variables")
        .list("env-file", env_files, "Read in a file of environment variables", "list")
        .flag("i,interactive", request.interactive, "Keep STDIN open even if not attached")
        .flag("privileged", request.privileged, "Give extended privileges to the command")
        .flag("t,tty", request.tty, "Allocate a pseudo-TTY")
        .value("u,user", request.user, "Username or UID (format: \"<name|uid>[:<group|gid>]\")")
        .value("w,workdir", request.working_dir, "Working directory inside the container")
        .arguments(words, 2)
        .verbatim_after_first();
    if (!options.parse(args)) return 0;
    if (!keys) keys = configured_detach_keys(globals);
    if (keys) static_cast<void>(DetachKeys(*keys)); // what is none is told before the container is looked for
    request.command.assign(words.begin() + 1, words.end());
    request.environment = docker_environment(env_files, env, flag_surroundings());
    std::erase_if(request.environment, [](const std::string& e) { return e.find('=') == std::string::npos; });
    Context context(globals);
    const ContainerInfo container = find_container(context.engine(), words[0]);
    if (container.state == ContainerState::paused)
        throw error(Errc::conflict, "Container {} is paused, unpause the container before exec", words[0]);
    if (container.state == ContainerState::restarting)
        throw error(Errc::conflict, "Container {} is restarting, wait until the container is running", words[0]);
    if (!container.pid) throw error(Errc::conflict, "container {} is not running", container.id);
    if (!request.detach) check_terminal(request.interactive, request.tty);
    if (context.dry_run()) return 0;
    const int code =
        exec_in(context.engine(), container, request, context.interrupts(), keys ? DetachKeys(*keys) : DetachKeys());
    return request.detach && code ? 1 : code;
}

int run_container_kill(Globals& globals, const Args& args) {
    std::string signal;
    std::vector<std::string> names;
    Options options(globals, "container kill [OPTIONS] CONTAINER [CONTAINER...]",
                    "Kill one or more running containers");
    options.value("s,signal", signal, "Signal to send to the container").arguments(names, 1);
    if (!options.parse(args)) return 0;
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    return for_each_container(context, names,
                              [&](const ContainerInfo& c) {
                                  kill_container(context.engine(), c, signal.empty() ? "SIGKILL" : signal,
                                                 context.stop());
                              },
                              {side_by_side, "cannot kill container: ", nullptr});
}

int run_container_pause(Globals& globals, const Args& args) {
    return simply(globals, args, "container pause CONTAINER [CONTAINER...]",
                  "Pause all processes within one or more containers", pause_container);
}

int run_container_unpause(Globals& globals, const Args& args) {
    return simply(globals, args, "container unpause CONTAINER [CONTAINER...]",
                  "Unpause all processes within one or more containers", unpause_container);
}

int run_container_restart(Globals& globals, const Args& args) {
    return stop_or_restart(globals, args, "container restart [OPTIONS] CONTAINER [CONTAINER...]",
                           "Restart one or more containers", "Cannot restart container ", restart_container);
}

int run_container_stop(Globals& globals, const Args& args) {
    return stop_or_restart(globals, args, "container stop [OPTIONS] CONTAINER [CONTAINER...]",
                           "Stop one or more running containers", "cannot stop container: ", stop_container);
}

int run_container_rm(Globals& globals, const Args& args) {
    RemoveContainerOptions how;
    bool link = false;
    std::vector<std::string> names;
    Options options(globals, "container rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers");
    options.flag("f,force", how.force, "Force the removal of a running container (uses SIGKILL)")
        .flag("l,link", link, "Remove the specified link (not possible here)")
        .flag("v,volumes", how.volumes, "Remove anonymous volumes associated with the container")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    if (link)
        throw error(Errc::unsupported, "a link goes with the container that has it; it cannot be removed alone")
            .with_hint("connect the containers by a network: docker network create");
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    if (how.force) // one that is not there is removed already
        std::erase_if(names, [&](const std::string& name) {
            try {
                find_container(context.engine(), name);
                return false;
            } catch (const Error& e) {
                if (e.kind() != Errc::not_found) return false;
                if (!docker_is_spoken()) report_exception(); // docker is silent about it
                return true;
            }
        });
    return for_each_container(
        context, names, [&](const ContainerInfo& c) { remove_container(context.engine(), c, how, context.stop()); },
        {side_by_side, "", nullptr});
}

int run_container_rename(Globals& globals, const Args& args) {
    std::vector<std::string> words;
    Options options(globals, "container rename CONTAINER NEW_NAME", "Rename a container");
    options.arguments(words, 2, 2);
    if (!options.parse(args)) return 0;
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    try {
        if (words[1].empty()) throw error(Errc::usage, "new name cannot be blank");
        const ContainerInfo container = find_container(context.engine(), words[0]);
        if (!context.dry_run()) rename_container(context.engine(), container, words[1], context.stop());
    } catch (const Error& e) {
        throw wrapped("failed to rename container: ", e);
    }
    return 0;
}

int run_container_update(Globals& globals, const Args& args) {
    ContainerFlags flags;
    std::vector<std::string> names;
    Options options(globals, "container update [OPTIONS] CONTAINER [CONTAINER...]",
                    "Update configuration of one or more containers");
    add_flags(options, container_update_flags(), flags);
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    const ContainerUpdate update = container_update(flags);
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    return for_each_container(
        context, names, [&](const ContainerInfo& c) { update_container(context.engine(), c, update, context.stop()); });
}

int run_container_wait(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "container wait CONTAINER [CONTAINER...]",
                    "Block until one or more containers stop, then print their exit codes");
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    int code = 0;
    for (const std::string& name : names) try {
            const ContainerInfo container = find_container(context.engine(), name);
            if (context.dry_run()) continue;
            const ExitResult end =
                wait_container(context.engine(), container, ContainerWait::not_running, context.stop());
            std::printf("%d\n", end.exit_code);
            std::fflush(stdout);
        } catch (const Error&) {
            code = report_exception();
        }
    return code;
}

int run_container_prune(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> filters;
    Options options(globals, "container prune [OPTIONS]", "Remove all stopped containers");
    std::size_t limits = 0;
    options
        .each(
            "filter", "filter",
            [&](const std::string& text) {
                const std::string filter = named_filter(text);
                limits += filter.starts_with("until=") ? 1 : 0;
                if (!filter.empty()) filters.push_back(filter);
            },
            "Provide filter values (e.g. \"until=<timestamp>\")")
        .flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    be_quiet(globals);
    Context context(globals);
    context.interrupts();
    const auto wanted = prune_filter(filters, [](const std::string& text) { return until_time(text); });
    if (limits > 1) throw error(Errc::invalid_project, "more than one until filter specified");
    if (!force && !confirmed("WARNING! This will remove all stopped containers.")) return 0;
    if (context.dry_run()) return 0;
    std::uint64_t bytes = 0;
    bool any = false;
    prune_containers(
        context.engine(), wanted,
        [&](const ContainerInfo& c, std::uint64_t freed) {
            if (!any) std::puts("Deleted Containers:");
            any = true;
            bytes += freed;
            std::printf("%s\n", c.id.c_str());
        },
        context.stop());
    std::printf("%sTotal reclaimed space: %s\n", any ? "\n" : "", human_size(static_cast<double>(bytes)).c_str());
    return 0;
}

} // namespace davit::cli
