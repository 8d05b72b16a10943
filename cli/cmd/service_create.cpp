#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/service_act.hpp"
#include "cli/cmd/service_progress.hpp"
#include "cli/cmd/swarm_files.hpp"
#include "cli/diagnostics.hpp"
#include "cli/load_options.hpp"
#include "davit/networks.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

namespace davit::cli {

namespace {

std::size_t random_below(std::size_t bound) { return std::stoull(sys::random_hex(8), nullptr, 16) % bound; }

// Two words, as docker names what nobody has named.
std::string random_name(Engine& engine) {
    constexpr std::array tempers = {"brave",  "bright", "calm",    "clever", "eager", "fair",   "gentle", "glad",
                                    "happy",  "honest", "jolly",   "keen",   "kind",  "lively", "loyal",  "merry",
                                    "modest", "noble",  "patient", "proud",  "quick", "quiet",  "sharp",  "steady",
                                    "strong", "sunny",  "swift",   "tidy",   "vivid", "warm",   "wise",   "witty"};
    constexpr std::array beasts = {"badger", "beaver", "bison",  "crane", "deer",  "dolphin", "falcon", "ferret",
                                   "finch",  "fox",    "gecko",  "hare",  "heron", "ibex",    "jay",    "koala",
                                   "lark",   "lynx",   "marten", "mole",  "otter", "owl",     "panda",  "puffin",
                                   "quail",  "raven",  "robin",  "seal",  "stork", "swan",    "tapir",  "wren"};
    const std::vector<swarm::Service> taken = swarm::services(engine);
    std::string name;
    do {
        if (!name.empty()) name += std::to_string(random_below(10));
        else name = std::string(tempers[random_below(tempers.size())]) + "_" + beasts[random_below(beasts.size())];
    } while (std::any_of(taken.begin(), taken.end(), [&](const swarm::Service& s) { return s.spec.name == name; }));
    return name;
}

// Services are on networks of the swarm, on the host's or on the machine's bridge.
std::string network_of_services(Engine& engine, const std::string& name) {
    const NetworkInfo found = network(engine, name);
    if (found.name == "host" || found.name == "bridge") return found.name;
    if (found.scope != "swarm")
        throw error(Errc::not_found, "network {} not found", name)
            .with_hint("services need a network of the swarm: 'davit network create -d overlay " + name + "'");
    return found.id;
}

ServiceOptions how_of(const ServiceFlags& flags, bool quiet) {
    ServiceOptions out;
    if (flags.is_true("no-resolve-image")) out.resolve_image = ResolveImage::never;
    out.quiet_pull = quiet;
    return out;
}

void create(Context& context, swarm::ServiceSpec& spec, const ServiceOptions& how, bool detach, bool quiet) {
    if (spec.name.empty()) spec.name = random_name(context.engine());
    check_spec(spec);
    if (context.dry_run()) {
        std::printf("Would create service %s\n", spec.name.c_str());
        return;
    }
    Swarm swarm(context.engine_options());
    const CreatedService created = swarm.create_service(spec, swarm::services_project, how, context.stop());
    context.mute();
    print_service_warnings(created.warnings);
    std::printf("%s\n", created.id.c_str());
    if (!detach) wait_for_service(context, swarm, created.id, created.id, quiet);
}

} // namespace

void add_service_flags(Options& options, ServiceFlags& flags, bool create) {
    for (const ServiceFlag& flag : service_flags()) {
        if (!(create ? flag.on_create : flag.on_update)) continue;
        const std::string names = (flag.short_name ? std::string(1, flag.short_name) + "," : "") + flag.name;
        options.each(
            names, flag.type, [&flags, &flag](const std::string& value) { flags.add(flag, value); }, flag.help);
    }
}

FlagSurroundings flag_surroundings(Context& context) {
    std::error_code code;
    FlagSurroundings out;
    out.current_dir = std::filesystem::current_path(code).string();
    out.environment = process_environment();
    out.network_id = [&context](const std::string& name) { return network_of_services(context.engine(), name); };
    return out;
}

swarm::Service service_to_change(Engine& engine, const std::string& name) {
    try {
        return swarm::service(engine, name);
    } catch (const Error& e) {
        if (e.kind() != Errc::not_found) throw;
        throw error(Errc::not_found, "service {} not found", name);
    }
}

void print_service_warnings(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) print_warning(warning);
}

int run_service_create(Globals& globals, const Args& args) {
    ServiceFlags flags;
    std::vector<std::string> words;
    bool detach = false, quiet = false;
    Options options(globals, "service create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new service");
    add_service_flags(options, flags, true);
    options.flag("d,detach", detach, "Exit immediately instead of waiting for the service to converge")
        .flag("q,quiet", quiet, "Suppress progress output")
        .arguments(words, 1)
        .verbatim_after_first();
    if (!options.parse(args)) return 0;
    flags.image = words.front();
    flags.args.assign(words.begin() + 1, words.end());
    Context context(globals);
    context.interrupts();
    swarm::ServiceSpec spec = create_spec(flags, flag_surroundings(context));
    in_swarm(context, [&] { create(context, spec, how_of(flags, quiet), detach, quiet); });
    return 0;
}

} // namespace davit::cli
