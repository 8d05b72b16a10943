// `container run --rm`: a container of an image, without a compose file. It has a project of its own, which goes with
// it.
#include "cli/cmd/container_run.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/foreground_run.hpp"
#include "cli/cmd/run_values.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/in_code.hpp"

#include <cstdio>
#include <unistd.h>

namespace davit::cli {

namespace {

struct ContainerRunFlags {
    Service service;
    RunOptions run;
    bool detach = false, interactive = false, privileged = false, tty = false;
    std::string entrypoint, network, pull;
    std::vector<std::string> env, env_files, publish, volumes, words, tmpfs, add_host;
};

void add_options(Options& options, ContainerRunFlags& f) {
    options.list("add-host", f.add_host, "Add a custom host-to-IP mapping (host:ip)", "list")
        .list("cap-add", f.service.cap_add, "Add Linux capabilities", "list")
        .list("cap-drop", f.service.cap_drop, "Drop Linux capabilities", "list")
        .flag("d,detach", f.detach, "Run container in background and print container ID")
        .value("entrypoint", f.entrypoint, "Overwrite the default ENTRYPOINT of the image")
        .list("e,env", f.env, "Set environment variables", "list")
        .list("env-file", f.env_files, "Read in a file of environment variables", "list")
        .value("hostname", f.service.hostname, "Container host name")
        .flag("i,interactive", f.interactive, "Keep STDIN open even if not attached")
        .list("l,label", f.run.labels, "Set meta data on a container", "list")
        .value("name", f.run.name, "Assign a name to the container")
        .value("network", f.network, "Connect a container to a network (bridge, host, none)")
        .value("platform", f.service.platform, "Set platform if server is multi-platform capable")
        .flag("privileged", f.privileged, "Give extended privileges to this container")
        .list("p,publish", f.publish, "Publish a container's port(s) to the host", "list")
        .value("pull", f.pull, "Pull image before running (\"always\", \"missing\", \"never\")")
        .flag("read-only", f.service.read_only, "Mount the container's root filesystem as read only")
        .flag("rm", f.run.remove, "Automatically remove the container when it exits")
        .list("tmpfs", f.tmpfs, "Mount a tmpfs directory", "list")
        .flag("t,tty", f.tty, "Allocate a pseudo-TTY")
        .value("u,user", f.service.user, "Username or UID (format: <name|uid>[:<group|gid>])")
        .list("v,volume", f.volumes, "Bind mount a volume", "list")
        .value("w,workdir", f.service.working_dir, "Working directory inside the container")
        .arguments(f.words, 1)
        .verbatim_after_first();
}

Project project_of(ContainerRunFlags& f) {
    Project project;
    project.name = "run-" + sys::random_hex(8);
    Service& service = f.service;
    service.name = "run";
    service.image = f.words[0];
    service.pull_policy = f.pull;
    service.privileged = f.privileged;
    service.network_mode = f.network.empty() || f.network == "default" ? "bridge" : f.network;
    service.tmpfs = f.tmpfs;
    for (const auto& text : f.add_host) {
        const std::size_t at = text.find_first_of(":=");
        if (at == std::string::npos) throw error(Errc::usage, "invalid host {}", text);
        service.extra_hosts[text.substr(0, at)].push_back(text.substr(at + 1));
    }
    if (!f.entrypoint.empty()) {
        service.entrypoint.emplace(1, f.entrypoint);
        service.command.emplace();
    }
    if (f.words.size() > 1) service.command.emplace(f.words.begin() + 1, f.words.end());
    for (const std::string& text : f.publish)
        for (Port& port : parse_publish(text)) service.ports.push_back(std::move(port));
    for (const std::string& text : f.volumes) service.volumes.push_back(parse_volume(text));
    project.services["run"] = service;
    normalize(project);
    return project;
}

} // namespace

int run_container_run(Globals& globals, const Args& args) {
    ContainerRunFlags flags;
    Options options(globals, "container run [OPTIONS] IMAGE [COMMAND] [ARG...]",
                    "Create and run a new container from an image");
    add_options(options, flags);
    constexpr int refused = 125; // docker's code for what never became a container
    try {
        if (!options.parse(args)) return 0;
        if (!flags.run.remove || flags.detach)
            throw error(Errc::unsupported, "containers outside of a compose file only run in the foreground, with --rm")
                .with_hint("describe it as a service in compose.yaml to keep it");
        const Project project = project_of(flags);
        if (globals.progress.empty()) globals.progress = "quiet"; // docker's run says nothing of its own
        Context context(globals);
        flags.run.service = "run";
        flags.run.environment = run_environment(flags.env_files, flags.env, project);
        flags.run.service_ports = true;
        flags.run.tty = flags.tty && is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
        flags.run.open_stdin = flags.interactive;
        flags.run.hold_for_attach = true;
        flags.run.ignore_orphans = true;
        context.interrupts();
        if (context.dry_run()) {
            context.engine().run(project, flags.run, context.stop());
            return 0;
        }
        int code = 0;
        try {
            code = run_in_foreground(context, project, flags.run);
        } catch (...) {
            context.engine().down(project);
            throw;
        }
        context.mute();
        context.engine().down(project);
        return code;
    } catch (const Error& e) {
        report_exception();
        return e.exit_code() ? e.exit_code() : e.kind() == Errc::interrupted ? 130 : refused;
    }
}

} // namespace davit::cli
