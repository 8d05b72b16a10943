#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/history.hpp"
#include "cli/cmd/service_act.hpp"
#include "cli/cmd/service_progress.hpp"
#include "cli/docker_errors.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"

#include <charconv>
#include <cstdio>

namespace davit::cli {

namespace {

struct WaitFlags {
    bool detach = false, quiet = false;
    void add_to(Options& options, bool with_quiet = true) {
        options.flag("d,detach", detach, "Exit immediately instead of waiting for the service to converge");
        if (with_quiet) options.flag("q,quiet", quiet, "Suppress progress output");
    }
};

void roll_back(Context& context, Swarm& swarm, const swarm::Service& service) {
    ServiceUpdateOptions how;
    how.rollback = true;
    print_service_warnings(swarm.update_service(service, service.spec, how, context.stop()));
}

void roll_back_to(Context& context, Swarm& swarm, const swarm::Service& service, int to) {
    const RolledBack done = swarm.rollback_service(service, to, context.stop());
    const std::string name = printable(service.spec.name);
    if (done.made)
        std::fprintf(stderr, "Revision %d of %s is back, as revision %d.\n", done.to, name.c_str(), done.made);
    else std::fprintf(stderr, "What there is of %s is revision %d already.\n", name.c_str(), done.to);
}

void update(Context& context, Swarm& swarm, const swarm::Service& service, const ServiceFlags& flags, bool quiet) {
    const swarm::ServiceSpec spec = updated_spec(service.spec, flags, flag_surroundings(context));
    if (flags.is_true("rollback")) return roll_back(context, swarm, service);
    check_spec(spec);
    ServiceUpdateOptions how;
    // The digest of an image that stays is what it is.
    const bool resolve = flags.has("image") && !flags.is_true("no-resolve-image");
    how.resolve_image = resolve ? ResolveImage::always : ResolveImage::never;
    how.quiet_pull = quiet;
    print_service_warnings(swarm.update_service(service, spec, how, context.stop()));
}

} // namespace

int run_service_update(Globals& globals, const Args& args) {
    ServiceFlags flags;
    WaitFlags wait;
    std::vector<std::string> names;
    Options options(globals, "service update [OPTIONS] SERVICE", "Update a service");
    add_service_flags(options, flags, false);
    wait.add_to(options);
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    const swarm::Service service = service_to_change(context.engine(), names.front());
    if (context.dry_run()) {
        check_spec(updated_spec(service.spec, flags, flag_surroundings(context)));
        std::printf("Would update service %s\n", service.spec.name.c_str());
        return 0;
    }
    Swarm swarm(context.engine_options());
    update(context, swarm, service, flags, wait.quiet);
    context.mute();
    std::printf("%s\n", names.front().c_str());
    if (!wait.detach) wait_for_service(context, swarm, service.id, names.front(), wait.quiet);
    return 0;
}

int run_service_rollback(Globals& globals, const Args& args) {
    WaitFlags wait;
    std::string to;
    std::vector<std::string> names;
    Options options(globals, "service rollback [OPTIONS] SERVICE", "Revert changes to a service's configuration");
    wait.add_to(options);
    options.value("to", to,
                  "To this revision ('davit service history' lists them) instead of the previous specification",
                  "REVISION");
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    const swarm::Service service = service_to_change(context.engine(), names.front());
    if (context.dry_run()) {
        std::printf("Would roll back service %s\n", service.spec.name.c_str());
        return 0;
    }
    Swarm swarm(context.engine_options());
    if (to.empty()) roll_back(context, swarm, service);
    else roll_back_to(context, swarm, service, revision_number(to));
    context.mute();
    std::printf("%s\n", names.front().c_str());
    if (!wait.detach) wait_for_service(context, swarm, service.id, names.front(), wait.quiet);
    return 0;
}

namespace {

struct Scaling {
    std::string name, number;
};

Scaling scaling_of(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == word.size())
        throw docker_is_spoken()
            ? error(Errc::usage,
                    "invalid scale specifier '{}'.\nSee 'docker service scale --help'.\n\nUsage:  docker service scale "
                    "SERVICE=REPLICAS [SERVICE=REPLICAS...]\n\nScale one or multiple replicated services",
                    word)
            : error(Errc::usage, "invalid scale specifier '{}'", word).with_hint("write it as SERVICE=REPLICAS");
    return {word.substr(0, equals), word.substr(equals + 1)};
}

std::uint64_t replicas_of(const Scaling& scaling) {
    std::uint64_t out = 0;
    const std::string& text = scaling.number;
    auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (code != std::errc() || end != text.data() + text.size())
        throw error(Errc::usage, "invalid replicas value {}: strconv.ParseUint: parsing \"{}\": invalid syntax", text,
                    text);
    return out;
}

// The id of the service: empty when nothing was done.
std::string scale(Context& context, Swarm& swarm, const Scaling& scaling) {
    try {
        const std::uint64_t replicas = replicas_of(scaling);
        const swarm::Service service = service_to_change(context.engine(), scaling.name);
        const swarm::ServiceSpec spec = scaled_spec(service.spec, replicas);
        if (context.dry_run()) {
            std::printf("Would scale %s to %s\n", scaling.name.c_str(), scaling.number.c_str());
            return {};
        }
        ServiceUpdateOptions how;
        how.resolve_image = ResolveImage::never;
        how.command = "service scale";
        print_service_warnings(swarm.update_service(service, spec, how, context.stop()));
        std::printf("%s scaled to %s\n", scaling.name.c_str(), scaling.number.c_str());
        return service.id;
    } catch (const Error& e) {
        if (docker_is_spoken()) throw wrapped(scaling.name + ": ", e);
        throw Error(e.kind(), scaling.name + ": " + e.what()).with_hint(e.hint());
    }
}

} // namespace

int run_service_scale(Globals& globals, const Args& args) {
    WaitFlags wait;
    std::vector<std::string> words;
    Options options(globals, "service scale SERVICE=REPLICAS [SERVICE=REPLICAS...]",
                    "Scale one or multiple replicated services");
    wait.add_to(options, false);
    options.arguments(words, 1);
    if (!options.parse(args)) return 0;
    std::vector<Scaling> scalings;
    for (const std::string& word : words) scalings.push_back(scaling_of(word));
    Context context(globals);
    context.interrupts();
    context.mute();
    Swarm swarm(context.engine_options());
    ErrorList errors;
    std::vector<std::pair<std::string, std::string>> scaled; // id, and name as it was given
    for (const Scaling& scaling : scalings)
        errors.run([&] {
            if (std::string id = scale(context, swarm, scaling); !id.empty())
                scaled.emplace_back(std::move(id), scaling.name);
        });
    for (const auto& [id, name] : scaled)
        if (!wait.detach) errors.run([&] { wait_for_service(context, swarm, id, name, false); });
    errors.throw_if_any();
    return 0;
}

} // namespace davit::cli
