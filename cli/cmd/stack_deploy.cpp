#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/service_act.hpp"
#include "cli/cmd/service_progress.hpp"
#include "cli/cmd/stack.hpp"
#include "cli/cmd/stack_files.hpp"
#include "cli/cmd/swarm_files.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/options.hpp"
#include "davit/labels.hpp"
#include "davit/networks.hpp"
#include "davit/service_flags.hpp"
#include "davit/services.hpp"
#include "davit/stack.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cstdio>

namespace davit::cli {

namespace {

struct DeployFlags {
    std::vector<std::string> files, names;
    bool detach = true, prune = false, quiet = false, registry_auth = false;
    std::string resolve_image = "always";
};

ResolveImage resolving(const std::string& word) {
    if (word == "always") return ResolveImage::always;
    if (word == "changed") return ResolveImage::changed;
    if (word == "never") return ResolveImage::never;
    throw error(Errc::usage, "invalid option {} for flag --resolve-image", word).with_hint("always, changed or never");
}

// One deployment. With --dry-run it says the same and does nothing.
class Deployment {
public:
    Deployment(Context& context, Swarm& swarm, const Stack& stack)
        : context_(context), swarm_(swarm), stack_(stack), have_(swarm.stack(stack.name)) {}

    void prune() {
        for (const swarm::Service& s : have_.services) {
            const bool kept = std::any_of(stack_.services.begin(), stack_.services.end(),
                                          [&](const swarm::ServiceSpec& spec) { return spec.name == s.spec.name; });
            if (kept) continue;
            say("Removing service", s.spec.name);
            if (act()) swarm_.remove_service(s.id);
        }
    }

    void networks() {
        for (const std::string& name : stack_.external_networks) as_client([&] { check_external(name); });
        for (const SwarmNetwork& n : stack_.networks) {
            const bool known = std::any_of(have_.networks.begin(), have_.networks.end(),
                                           [&](const NetworkInfo& have) { return have.name == n.name; });
            if (known) continue;
            say("Creating network", n.name);
            in("create network", n.name, [&] {
                check_swarm_name(n.name);
                if (act() && !swarm_.ensure_network(n, project())) // somebody else's: its services are not theirs
                    throw error(Errc::conflict, "network with name {} already exists", n.name)
                        .with_hint("give the stack's network another name, or declare that one as external");
            });
        }
    }

    void files(swarm::FileKind kind, const std::vector<swarm::ConfigSpec>& specs) {
        const std::string noun = to_string(kind);
        std::vector<swarm::Config> known = swarm::files(context_.engine(), kind);
        for (const swarm::ConfigSpec& spec : specs) {
            const auto it = std::find_if(known.begin(), known.end(),
                                         [&](const swarm::Config& c) { return c.spec.name == spec.name; });
            if (it != known.end()) {
                in("update " + noun, spec.name, [&] {
                    if (act()) update_file(context_.engine(), kind, it->id, spec);
                });
                continue;
            }
            say(("Creating " + noun).c_str(), spec.name);
            in("create " + noun, spec.name, [&] {
                if (act()) create_file(context_.engine(), kind, spec);
            });
        }
    }

    // References of services to what nobody has made; before any service is touched.
    void check_references() {
        if (!act()) return;
        for (const swarm::ServiceSpec& spec : stack_.services) {
            as_client([&] { check(spec, swarm::FileKind::secret, spec.task.container.secrets); });
            as_client([&] { check(spec, swarm::FileKind::config, spec.task.container.configs); });
        }
    }

    std::vector<std::string> services(ResolveImage resolve, bool quiet) {
        std::vector<std::string> ids;
        for (const swarm::ServiceSpec& spec : stack_.services) {
            const auto it = std::find_if(have_.services.begin(), have_.services.end(),
                                         [&](const swarm::Service& s) { return s.spec.name == spec.name; });
            if (it != have_.services.end()) ids.push_back(update(*it, spec, resolve, quiet));
            else ids.push_back(create(spec, resolve, quiet));
        }
        return ids;
    }

private:
    bool act() const { return !context_.dry_run(); }
    std::string project() const { return swarm::stack_project_prefix + stack_.name; }

    static void say(const char* what, const std::string& name) {
        std::printf("%s %s\n", what, printable(name).c_str());
        std::fflush(stdout);
    }

    template <typename F>
    static void in(const std::string& what, const std::string& name, F&& fn) {
        try {
            fn();
        } catch (const Error& e) {
            if (docker_is_spoken() && e.kind() != Errc::interrupted)
                throw wrapped(fmt::format("failed to {} {}: ", what, name), e);
            throw Error(e.kind(), fmt::format("failed to {} {}: {}", what, name, e.what()))
                .with_hint(e.hint())
                .with_at(e.at());
        }
    }

    void check_external(const std::string& name) {
        if (name == "host" || name == "none" || name == "bridge" || name == "default") return;
        std::optional<NetworkInfo> found;
        try {
            found = network(context_.engine(), name);
        } catch (const Error& e) {
            if (e.kind() != Errc::not_found) throw;
            throw error(Errc::not_found,
                        "network \"{}\" is declared as external, but could not be found. You need to create a "
                        "swarm-scoped network before the stack is deployed",
                        name)
                .with_hint("davit network create -d overlay " + name);
        }
        if (found->driver != "overlay")
            throw error(Errc::conflict,
                        "network \"{}\" is declared as external, but it is not in the right scope: \"local\" instead "
                        "of \"swarm\"",
                        name);
    }

    void check(const swarm::ServiceSpec& spec, swarm::FileKind kind,
               const std::vector<swarm::FileReference>& references) {
        if (references.empty()) return;
        const std::vector<swarm::Config> known = swarm::files(context_.engine(), kind);
        for (const swarm::FileReference& r : references)
            if (std::none_of(known.begin(), known.end(), [&](const swarm::Config& c) { return c.spec.name == r.name; }))
                throw error(Errc::not_found, "service {}: {} not found: {}", spec.name.substr(stack_.name.size() + 1),
                            to_string(kind), r.name);
    }

    std::string update(const swarm::Service& seen, swarm::ServiceSpec spec, ResolveImage resolve, bool quiet) {
        std::printf("Updating service %s (id: %s)\n", printable(spec.name).c_str(), seen.id.c_str());
        std::fflush(stdout);
        in("update service", spec.name, [&] {
            const auto label = seen.spec.labels.find(label::stack_image);
            const bool same_image = label != seen.spec.labels.end() && label->second == spec.task.container.image;
            ServiceUpdateOptions how;
            how.quiet_pull = quiet;
            how.resolve_image = resolve;
            // The digest of the last deployment stays: else each one would be an update.
            if (same_image && resolve != ResolveImage::always) {
                spec.task.container.image = seen.spec.task.container.image;
                spec.task.container.image_id = seen.spec.task.container.image_id;
                how.resolve_image = ResolveImage::never;
            }
            spec.task.force_update = seen.spec.task.force_update;
            check_spec(spec);
            if (act()) print_service_warnings(swarm_.update_service(seen, spec, how, context_.stop()));
        });
        return seen.id;
    }

    std::string create(const swarm::ServiceSpec& spec, ResolveImage resolve, bool quiet) {
        say("Creating service", spec.name);
        CreatedService created;
        in("create service", spec.name, [&] {
            check_spec(spec);
            ServiceOptions how;
            how.resolve_image = resolve;
            how.quiet_pull = quiet;
            if (act()) created = swarm_.create_service(spec, project(), how, context_.stop());
            print_service_warnings(created.warnings);
        });
        return created.id;
    }

    Context& context_;
    Swarm& swarm_;
    const Stack& stack_;
    StackContents have_;
};

// All that is done is one revision of the stack, also where only a part of it comes about.
template <typename F>
void as_one_revision(Swarm& swarm, const Stack& stack, F&& act) {
    swarm.begin_revision(Swarm::history_of_stack(stack.name), "deploy", stack.services);
    try {
        act();
    } catch (const Error& e) {
        swarm.end_revision(e.what());
        throw;
    }
    swarm.end_revision();
}

void deploy(Context& context, const Stack& stack, const DeployFlags& f, ResolveImage resolve) {
    Swarm swarm(context.engine_options());
    Deployment deployment(context, swarm, stack);
    std::vector<std::string> ids;
    auto act = [&] {
        if (f.prune) deployment.prune();
        deployment.networks();
        deployment.files(swarm::FileKind::secret, stack.secrets);
        deployment.files(swarm::FileKind::config, stack.configs);
        deployment.check_references();
        ids = deployment.services(resolve, f.quiet);
    };
    if (context.dry_run()) act();
    else as_one_revision(swarm, stack, act);
    if (f.detach || context.dry_run()) return;
    ErrorList errors;
    for (const std::string& id : ids) errors.run([&] { wait_for_service(context, swarm, id, id, f.quiet); });
    errors.throw_if_any();
}

} // namespace

void check_stack_name(const std::string& name) {
    if (name.find_first_not_of(" \t\r\n") == std::string::npos)
        throw error(Errc::usage, "invalid stack name: \"{}\"", name);
}

int run_stack_deploy(Globals& globals, const Args& args) {
    DeployFlags f;
    Options options(globals, "stack deploy [OPTIONS] STACK", "Deploy a new stack or update an existing stack");
    options.list("c,compose-file", f.files, "Path to a Compose file, or \"-\" to read from stdin", "strings")
        .flag("d,detach", f.detach,
              "Exit immediately instead of waiting for the stack services to converge (default true)")
        .flag("prune", f.prune, "Prune services that are no longer referenced")
        .flag("q,quiet", f.quiet, "Suppress progress output")
        .value("resolve-image", f.resolve_image,
               "Query the registry to resolve image digest and supported platforms (always, changed, never)")
        .flag("with-registry-auth", f.registry_auth, "Send registry authentication details to Swarm agents")
        .arguments(f.names, 1, 1);
    if (!options.parse(args)) return 0;
    const std::string& name = f.names.front();
    check_stack_name(name);
    StackOptions files = stack_options(f.files);
    files.accept_modern = true;
    const ResolveImage resolve = resolving(f.resolve_image);
    const Stack stack = as_client([&] { return load_stack(name, files); });
    for (const std::string& warning : stack.warnings) std::fprintf(stderr, "%s\n", printable(warning, "\n\t").c_str());
    Context context(globals);
    context.interrupts();
    context.mute();
    in_swarm(context, [&] { deploy(context, stack, f, resolve); });
    return 0;
}

} // namespace davit::cli
