#include "base/error.hpp"
#include "base/words.hpp"
#include "cli/cmd/common.hpp"
#include "cli/cmd/foreground_run.hpp"
#include "cli/cmd/run_values.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/terminal.hpp"

#include <cstdio>
#include <unistd.h>

namespace davit::cli {

namespace {

struct RunFlags {
    RunOptions run;
    bool build = false, detach = false, quiet = false, quiet_build = false;
    std::optional<bool> interactive, no_tty, tty;
    std::optional<std::string> entrypoint;
    std::string pull;
    std::vector<std::string> env, env_files, publish, volumes, words;
};

void add_options(Options& options, RunFlags& f) {
    options.flag("build", f.build, "Build image before starting container")
        .list("cap-add", f.run.cap_add, "Add Linux capabilities", "list")
        .list("cap-drop", f.run.cap_drop, "Drop Linux capabilities", "list")
        .flag("d,detach", f.detach, "Run container in background and print container ID")
        .value("entrypoint", f.entrypoint, "Override the entrypoint of the image")
        .list("e,env", f.env, "Set environment variables")
        .list("env-from-file", f.env_files, "Set environment variables from file")
        .flag("i,interactive", f.interactive, "Keep STDIN open even if not attached (default true)")
        .list("l,label", f.run.labels, "Add or override a label")
        .alias("labels")
        .value("name", f.run.name, "Assign a name to the container")
        .flag("no-deps", f.run.no_deps, "Don't start linked services")
        .flag("T,no-tty", f.no_tty, "Disable pseudo-TTY allocation (default: auto-detected)")
        .alias("no-TTY")
        .list("p,publish", f.publish, "Publish a container's port(s) to the host")
        .value("pull", f.pull, "Pull image before running (\"always\"|\"missing\"|\"never\") (default \"policy\")")
        .flag("q,quiet", f.quiet, "Don't print anything but the command's output")
        .flag("quiet-build", f.quiet_build, "Suppress progress output from the build process")
        .flag("quiet-pull", f.run.quiet_pull, "Pull without printing progress information")
        .flag("remove-orphans", f.run.remove_orphans, "Remove containers for services not defined in the Compose file")
        .flag("rm", f.run.remove, "Automatically remove the container when it exits")
        .flag("P,service-ports", f.run.service_ports,
              "Run command with all service's ports enabled and mapped to the host")
        .flag("t,tty", f.tty, "Allocate a pseudo-TTY")
        .hidden()
        .flag("use-aliases", f.run.use_aliases,
              "Use the service's network useAliases in the network(s) the container connects to")
        .value("u,user", f.run.user, "Run as specified username or uid")
        .list("v,volume", f.volumes, "Bind mount a volume")
        .alias("volumes")
        .value("w,workdir", f.run.working_dir, "Working directory inside the container")
        .arguments(f.words, 1)
        .verbatim_after_first();
}

// A terminal where there is one, unless a flag says otherwise.
bool wants_tty(const RunFlags& f) {
    if (f.tty && f.no_tty) throw error(Errc::usage, "--tty and --no-tty can't be used together");
    if (f.tty) return *f.tty;
    if (f.no_tty) return !*f.no_tty;
    return is_terminal(STDOUT_FILENO) && (f.interactive || is_terminal(STDIN_FILENO));
}

void apply(RunFlags& f, const Project& project) {
    RunOptions& run = f.run;
    if (!f.publish.empty() && run.service_ports)
        throw error(Errc::usage, "--service-ports and --publish are incompatible");
    run.service = f.words[0];
    if (f.words.size() > 1) run.command.emplace(f.words.begin() + 1, f.words.end());
    if (f.entrypoint) {
        auto words = split_words(*f.entrypoint);
        if (!words) throw error(Errc::usage, "invalid --entrypoint \"{}\": a quote is open", *f.entrypoint);
        run.entrypoint = std::move(*words);
        // What the service's command means belongs to the entrypoint that is replaced.
        if (!run.command) run.command.emplace();
    }
    run.environment = run_environment(f.env_files, f.env, project);
    for (const std::string& text : f.publish)
        for (Port& port : parse_publish(text)) run.ports.push_back(std::move(port));
    for (const std::string& text : f.volumes) run.volumes.push_back(parse_volume(text));
    run.open_stdin = f.interactive.value_or(true); // also detached: a program that reads waits
    run.tty = !f.detach && wants_tty(f);
    if (run.tty && run.open_stdin && !is_terminal(STDIN_FILENO))
        throw error(Errc::usage, "cannot attach stdin to a TTY-enabled container because stdin is not a terminal")
            .with_hint("-T makes no terminal, --interactive=false leaves stdin alone");
    run.hold_for_attach = !f.detach;
    run.pull = pull_mode(f.pull);
    run.build = f.build || f.pull == "build";
    run.remove_orphans = run.remove_orphans || env_flag("COMPOSE_REMOVE_ORPHANS");
    run.ignore_orphans = env_flag("COMPOSE_IGNORE_ORPHANS");
}

} // namespace

int run_run(Globals& globals, const Args& args) {
    RunFlags flags;
    Options options(globals, "run [OPTIONS] SERVICE [COMMAND] [ARGS...]", "Run a one-off command on a service");
    add_options(options, flags);
    if (!options.parse(args)) return 0;
    globals.all_resources = globals.all_resources || !flags.volumes.empty(); // --volume may name what no service uses
    Context context(globals);
    const Project& project = context.project({flags.words[0]});
    apply(flags, project);
    context.interrupts();
    if (flags.quiet || flags.quiet_build) context.quiet_build();
    if (flags.quiet) context.mute();
    if (!flags.detach && !context.dry_run()) return run_in_foreground(context, project, flags.run);
    const ContainerInfo container = context.engine().run(project, flags.run, context.stop());
    if (!container.id.empty()) std::printf("%s\n", container.id.c_str());
    return 0;
}

} // namespace davit::cli
