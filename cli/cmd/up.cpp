#include "base/error.hpp"
#include "cli/cmd/attached_up.hpp"
#include "cli/cmd/common.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/display/build_lines.hpp"
#include "cli/logs/last_words.hpp"
#include "cli/watching.hpp"

namespace davit::cli {

namespace {

void add_options(Options& options, CreateFlags& create, UpFlags& flags) {
    create.add_to(options);
    options
        .flag("abort-on-container-exit", flags.abort_on_exit,
              "Stops all containers if any container was stopped. Incompatible with -d")
        .flag("abort-on-container-failure", flags.abort_on_failure,
              "Stops all containers if any container exited with failure. Incompatible with -d")
        .flag("always-recreate-deps", create.always_recreate_deps,
              "Recreate dependent containers. Incompatible with --no-recreate.")
        .list("attach", flags.attach,
              "Restrict attaching to the specified services. Incompatible with --attach-dependencies.")
        .flag("attach-dependencies", flags.attach_dependencies,
              "Automatically attach to log output of dependent services")
        .flag("d,detach", flags.detach, "Detached mode: Run containers in the background")
        .value("exit-code-from", flags.exit_code_from,
               "Return the exit code of the selected service container. Implies --abort-on-container-exit")
        .flag("menu", flags.menu,
              "Enable interactive shortcuts (detach, watch, logs) when running attached on a terminal (default true). "
              "Also set by COMPOSE_MENU.")
        .list("no-attach", flags.no_attach, "Do not attach (stream logs) to the specified services")
        .flag("no-color", flags.no_colour, "Produce monochrome output")
        .flag("no-deps", create.options.no_deps, "Don't start linked services")
        .flag("no-log-prefix", flags.no_prefix, "Don't print prefix in logs")
        .flag("no-start", flags.no_start, "Don't start the services after creating them")
        .flag("quiet-build", create.quiet_build, "Suppress the build output")
        .flag("V,renew-anon-volumes", create.options.renew_anonymous_volumes,
              "Recreate anonymous volumes instead of retrieving data from the previous containers")
        .value(
            "t,timeout", create.timeout,
            "Use this timeout in seconds for container shutdown when attached or when containers are already running")
        .flag("rolling", create.options.rolling,
              "Replace each container while it runs: the new one takes over its ports once it works (as "
              "deploy.update_config.order: start-first)")
        .flag("timestamps", flags.timestamps, "Show timestamps")
        .flag("wait", flags.wait, "Wait for services to be running|healthy. Implies detached mode.")
        .value("wait-timeout", flags.wait_timeout,
               "Maximum duration in seconds to wait for the project to be running|healthy")
        .flag("w,watch", flags.watch, "Watch source code and rebuild/refresh containers when files are updated")
        .arguments(create.options.services);
}

void check(const CreateFlags& create, UpFlags& flags) {
    if (!flags.exit_code_from.empty()) flags.abort_on_exit = true;
    if (flags.wait) flags.detach = true;
    if (create.options.no_build && flags.watch) throw error(Errc::usage, "--no-build and --watch are incompatible");
    if (flags.detach && (flags.watch || flags.abort_on_exit || flags.abort_on_failure || flags.attach_dependencies ||
                         !flags.attach.empty()))
        throw error(Errc::usage, "--detach cannot be combined with --abort-on-container-exit, "
                                 "--abort-on-container-failure, --attach, --attach-dependencies or --watch");
    if (!flags.attach.empty() && flags.attach_dependencies)
        throw error(Errc::usage, "--attach and --attach-dependencies are incompatible");
    if (flags.abort_on_exit && flags.abort_on_failure)
        throw error(
            Errc::usage,
            "--abort-on-container-failure cannot be combined with --abort-on-container-exit or --exit-code-from");
}

int detached_up(Context& context, const Project& project, const UpOptions& up) {
    UnmetConditions unmet;
    context.also_to([&](const Event& event) { unmet.see(event); });
    try {
        context.interrupts();
        context.engine().up(project, up, context.stop());
        return context.interrupts().requested() ? 130 : 0;
    } catch (const Error& e) {
        if (e.kind() == Errc::interrupted) throw;
        context.mute();
        if (up.wait) print_last_words(context.engine(), project.name);
        else unmet.tell(context.engine(), project.name);
        throw;
    }
}

} // namespace

int run_up(Globals& globals, const Args& args) {
    CreateFlags create;
    UpFlags flags;
    Options options(globals, "up [OPTIONS] [SERVICE...]", "Create and start containers");
    add_options(options, create, flags);
    if (!options.parse(args)) return 0;
    check(create, flags);
    create.check_and_apply();

    Context context(globals);
    const Project& loaded = context.project(create.options.services);
    const Project project = flags.watch ? built_when_watched(loaded) : loaded;
    if (!flags.exit_code_from.empty() && !project.services.count(flags.exit_code_from))
        throw error(Errc::not_found, "no such service: {}", flags.exit_code_from);
    build_lines_to(stdout);
    if (create.quiet_build) context.quiet_build();
    if (project.services.empty() && !globals.all_resources) throw error(Errc::failed, "no service selected");
    UpOptions up;
    static_cast<CreateOptions&>(up) = create.options;
    up.no_start = flags.no_start;
    up.wait = flags.wait;
    up.wait_timeout = std::chrono::seconds(flags.wait_timeout);
    if (flags.detach || flags.no_start || context.dry_run()) return detached_up(context, project, up);
    return attached_up(context, project, up, flags);
}

} // namespace davit::cli
