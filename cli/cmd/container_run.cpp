// `container run`, `container create`: a container of an image, without a compose file.
#include "cli/cmd/container_run.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/container_options.hpp"
#include "cli/cmd/foreground_run.hpp"
#include "cli/cmd/pull_told.hpp"
#include "cli/diagnostics.hpp"
#include "cli/docker_errors.hpp"

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace davit::cli {

namespace {

constexpr int refused = 125; // docker's code for what never became a container

// --cidfile: claimed before anything is made, and gone again when nothing was.
class IdFile {
public:
    explicit IdFile(const std::string& path) : path_(path) {
        if (path_.empty()) return;
        if (std::error_code code; std::filesystem::exists(path_, code))
            throw error(Errc::usage,
                        "container ID file found, make sure the other container isn't running or delete {}", path_)
                .with_exit_code(refused);
        const std::string directory = std::filesystem::absolute(path_).parent_path().string();
        if (std::error_code code; !std::filesystem::exists(directory, code))
            throw error(Errc::usage, "failed to create the container ID file: open {}: no such file or directory",
                        path_);
    }
    void write(const std::string& id) {
        if (path_.empty() || id.empty() || written_) return;
        written_ = true;
        WholeFile file(path_);
        sys::write_all(file.fd(), id);
        file.finish();
    }

private:
    std::string path_;
    bool written_ = false;
};

// docker's code for why a container did not start, told from the text: 127 what is not there, 126 what cannot be run.
int code_of(const Error& e) {
    if (e.exit_code()) return e.exit_code();
    if (e.kind() == Errc::interrupted) return Interrupts::exit_code();
    std::string text = e.describe();
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (text.find("executable file not found") != std::string::npos ||
        text.find("no such file or directory") != std::string::npos)
        return 127;
    if (text.find("permission denied") != std::string::npos || text.find("is a directory") != std::string::npos)
        return 126;
    return refused;
}

struct RunFlags {
    ContainerFlags flags;
    bool detach = false, sig_proxy = true;
    std::optional<std::string> detach_keys;
    std::vector<std::string> words;
};

// Those that config.json has for all containers.
void add_proxies(const Globals& globals, ContainerFlags& flags) {
    for (std::string& entry : configured_proxies(globals, flags.all("env")))
        flags.given["env"].push_back(std::move(entry));
}

ContainerSpec spec_of(RunFlags& f) {
    f.flags.image = f.words[0];
    f.flags.args.assign(f.words.begin() + 1, f.words.end());
    try {
        return container_spec(f.flags, flag_surroundings(), f.detach);
    } catch (Error& e) {
        if (e.exit_code()) throw;
        throw e.with_exit_code(refused); // a file that a flag names and that is not there, too
    }
}

void check_run(const RunFlags& f) {
    const AttachedStreams streams = attached_streams(f.flags);
    if (f.detach && f.flags.has("attach"))
        throw error(Errc::usage, "conflicting options: cannot specify both --attach and --detach").with_exit_code(1);
    if (!f.detach) check_terminal(streams.input, f.flags.is_true("tty"));
}

int run_it(Context& context, RunFlags& f, ContainerSpec& spec, IdFile& id_file, const std::string& id,
           const std::function<void(const Event&)>& see) {
    if (f.detach || context.dry_run()) {
        try {
            const ContainerInfo made = run_container(context.engine(), spec, context.stop());
            id_file.write(made.id);
            if (!context.dry_run()) std::printf("%s\n", made.id.c_str());
        } catch (...) { // it was made, and stays to be looked at
            if (!id.empty()) std::printf("%s\n", id.c_str());
            throw;
        }
        return 0;
    }
    spec.hold_for_attach = true;
    ForegroundStart how;
    how.project = machine_project;
    how.tty = f.flags.is_true("tty");
    how.remove = spec.auto_remove;
    const AttachedStreams streams = attached_streams(f.flags);
    how.input = streams.input && spec.service.stdin_open;
    how.output = streams.output;
    how.errors = streams.errors;
    how.sig_proxy = f.sig_proxy;
    how.detach_keys = f.detach_keys;
    how.event = see;
    how.created = [&](const std::string& made) {
        id_file.write(made);
        if (streams.output || streams.errors) return;
        std::printf("%s\n", made.c_str()); // nothing else tells which container it is
        std::fflush(stdout);
    };
    how.start = [&](std::stop_token stop) {
        const ContainerInfo made = run_container(context.engine(), spec, std::move(stop));
        id_file.write(made.id);
    };
    return run_in_foreground(context, how);
}

void warn_of_links(const ContainerFlags& flags) {
    const auto& networks = flags.all("network");
    const bool on_default = networks.empty() || networks.front() == "default" || networks.front() == "bridge";
    if (docker_is_spoken() && flags.has("link") && on_default)
        std::fputs(
            "WARNING: Links on the default bridge network are deprecated and will be removed in a future release. Use "
            "a custom network instead.\n",
            stderr);
}

int run(Context& context, RunFlags& f, ContainerSpec& spec, IdFile& id_file) {
    std::mutex mutex;
    std::string id, name;
    PullTold pull(context.engine(), spec);
    const auto see = [&](const Event& event) {
        pull.see(event);
        if (event.kind != EventKind::container_created) return;
        warn_of_links(f.flags);
        const std::lock_guard hold(mutex);
        id = event.container_id;
        name = event.container_name;
        id_file.write(id);
    };
    context.also_to(see);
    try {
        return run_it(context, f, spec, id_file, id, see);
    } catch (const Error& e) {
        if (!docker_is_spoken()) throw;
        throw with_endpoint(pull.explained(e), name, id);
    }
}

ContainerInfo create(Context& context, const ContainerSpec& spec, const PullTold& pull) {
    try {
        return create_container(context.engine(), spec, context.stop());
    } catch (const Error& e) {
        if (!docker_is_spoken()) throw;
        throw pull.explained(e);
    }
}

} // namespace

int run_container_run(Globals& globals, const Args& args) {
    RunFlags f;
    Options options(globals, "container run [OPTIONS] IMAGE [COMMAND] [ARG...]",
                    "Create and run a new container from an image");
    add_flags(options, container_flags(), f.flags);
    options.flag("d,detach", f.detach, "Run container in background and print container ID")
        .value("detach-keys", f.detach_keys, "Override the key sequence for detaching a container")
        .flag("sig-proxy", f.sig_proxy, "Proxy received signals to the process (default true)")
        .arguments(f.words, 1)
        .verbatim_after_first();
    if (!options.parse(args)) return 0;
    try {
        add_proxies(globals, f.flags);
        if (!f.detach_keys) f.detach_keys = configured_detach_keys(globals);
        ContainerSpec spec = spec_of(f);
        check_run(f);
        IdFile id_file(f.flags.text("cidfile"));
        if (globals.progress.empty()) globals.progress = "quiet"; // docker's run says nothing of its own
        Context context(globals);
        if (!f.detach && f.sig_proxy) context.take_all_signals();
        context.interrupts();
        return run(context, f, spec, id_file);
    } catch (const Error& e) {
        std::fflush(stdout);
        // Before a container was thought of, or after who wanted it has changed his mind.
        const bool plain = (e.exit_code() == 1 && e.kind() == Errc::usage) || e.kind() == Errc::interrupted;
        if (docker_is_spoken() && !plain) std::fprintf(stderr, "%s\n", docker_run_error(e, "run").c_str());
        else report_exception();
        return code_of(e);
    }
}

int run_container_create(Globals& globals, const Args& args) {
    RunFlags f;
    Options options(globals, "container create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new container");
    add_flags(options, container_flags(), f.flags);
    options.arguments(f.words, 1).verbatim_after_first();
    if (!options.parse(args)) return 0;
    f.flags.image = f.words[0];
    f.flags.args.assign(f.words.begin() + 1, f.words.end());
    add_proxies(globals, f.flags);
    ContainerSpec spec;
    try {
        spec = container_spec(f.flags, flag_surroundings());
    } catch (Error& e) {
        if ((e.kind() != Errc::usage && !e.os()) || e.exit_code()) throw;
        e.with_exit_code(refused);
        if (!docker_is_spoken()) throw;
        throw Error(Errc::usage, docker_run_error(e, "create")).with_exit_code(refused);
    }
    IdFile id_file(f.flags.text("cidfile"));
    if (globals.progress.empty()) globals.progress = "quiet";
    Context context(globals);
    context.interrupts();
    PullTold pull(context.engine(), spec);
    context.also_to([&](const Event& event) { pull.see(event); });
    const ContainerInfo made = create(context, spec, pull);
    if (context.dry_run()) return 0;
    id_file.write(made.id);
    std::printf("%s\n", made.id.c_str());
    return 0;
}

} // namespace davit::cli
