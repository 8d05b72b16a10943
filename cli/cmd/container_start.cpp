// `container start`, `container attach`.
#include "base/error.hpp"
#include "cli/attach/session.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/container_options.hpp"
#include "cli/cmd/container_run.hpp"
#include "cli/cmd/foreground_run.hpp"
#include "cli/docker_errors.hpp"
#include "cli/terminal.hpp"

#include <cstdio>
#include <fmt/ranges.h>
#include <optional>
#include <unistd.h>

namespace davit::cli {

namespace {

// Its streams are connected before it begins.
int start_attached(Context& context, const std::string& name, bool interactive,
                   const std::optional<std::string>& keys) {
    Engine& engine = context.engine();
    const ContainerInfo container = find_container(engine, name);
    if (context.dry_run()) return 0;
    check_terminal(interactive, container.tty);
    if (container.pid) { // it runs: what is left to do is to look
        AttachOptions attach;
        attach.container = container;
        attach.input = interactive && container.open_stdin;
        if (keys) attach.keys = DetachKeys(*keys);
        return attach_to(engine, attach, context.interrupts()).value_or(0);
    }
    ForegroundStart how;
    how.project = container.project;
    how.tty = container.tty;
    how.input = interactive && container.open_stdin;
    how.remove = container.auto_remove;
    how.detach_keys = keys;
    how.start = [&](std::stop_token stop) { start_container(engine, container, {true}, std::move(stop)); };
    return run_in_foreground(context, how);
}

} // namespace

int run_container_start(Globals& globals, const Args& args) {
    bool attach = false, interactive = false;
    std::optional<std::string> keys;
    std::string checkpoint, checkpoint_dir;
    std::vector<std::string> names;
    Options options(globals, "container start [OPTIONS] CONTAINER [CONTAINER...]",
                    "Start one or more stopped containers");
    options.flag("a,attach", attach, "Attach STDOUT/STDERR and forward signals")
        .value("checkpoint", checkpoint, "Restore from this checkpoint (davit has none)")
        .value("checkpoint-dir", checkpoint_dir, "Use a custom checkpoint storage directory (davit has none)")
        .value("detach-keys", keys, "Override the key sequence for detaching a container")
        .flag("i,interactive", interactive, "Attach container's STDIN")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    if (!keys) keys = configured_detach_keys(globals);
    if (keys) static_cast<void>(DetachKeys(*keys)); // what is none is told before the container is looked for
    if (!checkpoint.empty() || !checkpoint_dir.empty())
        throw error(Errc::unsupported, "davit makes no checkpoints of containers, and restores none")
            .with_hint("start the container without --checkpoint");
    if ((attach || interactive) && names.size() > 1)
        throw error(Errc::usage, "you cannot start and attach multiple containers at once");
    if (globals.progress.empty()) globals.progress = "quiet";
    Context context(globals);
    if (attach || interactive) {
        context.take_all_signals();
        context.interrupts();
        try {
            return start_attached(context, names[0], interactive, keys);
        } catch (Error& e) {
            if (e.kind() != Errc::interrupted) e.with_exit_code(1); // a start has no codes of its own for why it failed
            throw;
        }
    }
    context.interrupts();
    std::vector<std::string> failed;
    for_each_container(context, names,
                       [&](const ContainerInfo& container) {
                           try {
                               start_container(context.engine(), container, {}, context.stop());
                           } catch (const Error& e) {
                               if (!docker_is_spoken()) throw;
                               throw with_endpoint(e, container.name, container.id);
                           }
                       },
                       {1, "", &failed});
    if (docker_is_spoken() && !failed.empty())
        throw error(Errc::usage, "failed to start containers: {}", fmt::join(failed, ", "));
    return failed.empty() ? 0 : 1;
}

int run_container_attach(Globals& globals, const Args& args) {
    bool no_stdin = false, sig_proxy = true;
    std::optional<std::string> keys;
    std::vector<std::string> names;
    Options options(globals, "container attach [OPTIONS] CONTAINER",
                    "Attach local standard input, output, and error streams to a running container");
    options.value("detach-keys", keys, "Override the key sequence for detaching a container")
        .flag("no-stdin", no_stdin, "Do not attach STDIN")
        .flag("sig-proxy", sig_proxy, "Proxy all received signals to the process (default true)")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    if (!keys) keys = configured_detach_keys(globals);
    if (keys) static_cast<void>(DetachKeys(*keys)); // what is none is told before the container is looked for
    Context context(globals);
    if (sig_proxy) context.take_all_signals();
    context.interrupts();
    const ContainerInfo container = find_container(context.engine(), names[0]);
    if (container.state == ContainerState::paused)
        throw error(Errc::usage, "cannot attach to a paused container, unpause it first");
    if (container.state == ContainerState::restarting)
        throw error(Errc::usage, "cannot attach to a restarting container, wait until it is running");
    if (!container.pid) throw error(Errc::usage, "cannot attach to a stopped container, start it first");
    AttachOptions attach;
    attach.container = container;
    attach.input = !no_stdin && container.open_stdin;
    attach.forward_signals = sig_proxy && !container.tty;
    if (keys) attach.keys = DetachKeys(*keys);
    check_terminal(attach.input, container.tty);
    if (context.dry_run()) return 0;
    return attach_to(context.engine(), attach, context.interrupts()).value_or(0);
}

} // namespace davit::cli
