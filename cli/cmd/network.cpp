// `network`: looked at and removed. Making them is network_create.cpp, putting containers on them network_connect.cpp.
#include "cli/cmd/network.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/filters.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/format/volume.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"
#include "davit/networks.hpp"
#include "davit/services.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

NetworkInfo found_network(Engine& engine, const std::string& name) {
    if (auto ingress = swarm::ingress(engine); ingress && (name == ingress->name || name == ingress->id))
        return std::move(*ingress);
    return network(engine, name);
}

std::function<bool(const NetworkInfo&)> network_prune_filter(const Filters& filters) {
    const std::vector<std::int64_t> limits = filters.times();
    return [&filters, limits](const NetworkInfo& n) {
        return std::all_of(limits.begin(), limits.end(), [&](std::int64_t limit) { return n.created < limit; }) &&
               filters.labels("label", n.labels) && filters.unlabelled("label!", n.labels);
    };
}

namespace {

// builtin: those that are always there; custom: the others.
bool of_type(const Filters& filters, const NetworkInfo& network) {
    for (const std::string& type : filters.values("type"))
        if (type != "builtin" && type != "custom")
            throw error(Errc::invalid_project, "invalid value for filter 'type': must be 'builtin' or 'custom'");
    return filters.exact("type", is_builtin(network) ? "builtin" : "custom");
}

bool is_dangling(Engine& engine, const NetworkInfo& network) {
    if (is_builtin(network) || network.name == swarm::ingress_name) return false;
    const auto users = containers_of(engine, network);
    return std::none_of(users.begin(), users.end(), [](const ContainerInfo& c) { return c.pid != 0; });
}

std::optional<bool> dangling_wanted(const Filters& filters) {
    try {
        return filters.truth("dangling");
    } catch (const Error&) {
        throw error(Errc::invalid_project,
                    "invalid value for filter 'dangling': must be \"true\" (or \"1\"), or \"false\" (or \"0\")");
    }
}

std::vector<NetworkInfo> listed(Engine& engine, const Filters& filters) {
    std::vector<NetworkInfo> all = engine.networks();
    if (auto ingress = swarm::ingress(engine)) all.push_back(std::move(*ingress));
    const auto dangling = dangling_wanted(filters);
    std::erase_if(all, [&](const NetworkInfo& n) {
        return !filters.pattern("name", n.name) || !filters.pattern("id", n.id) || !filters.exact("driver", n.driver) ||
               !filters.exact("scope", n.scope) || !filters.labels("label", n.labels) || !of_type(filters, n) ||
               (dangling && *dangling != is_dangling(engine, n));
    });
    std::sort(all.begin(), all.end(),
              [](const NetworkInfo& a, const NetworkInfo& b) { return natural_less(a.name, b.name); });
    return all;
}

int list(Globals& globals, const Args& args) {
    bool quiet = false, no_trunc = false;
    std::string format;
    Filters filters;
    Options options(globals, "network ls [OPTIONS]", "List networks");
    filters.add_to(options, "name=TEXT, id=ID, driver=NAME, scope=local|swarm, type=builtin|custom, "
                            "label=KEY[=VALUE], dangling=true|false");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", no_trunc, "Do not truncate the output")
        .flag("q,quiet", quiet, "Only display network IDs");
    if (!options.parse(args)) return 0;
    filters.check();
    if (format.empty() && !quiet) format = configured_format(globals, "networksFormat");
    quiet = quiet && is_table(format);
    Context context(globals);
    std::vector<nlohmann::json> rows;
    std::string ids;
    for (const NetworkInfo& n : listed(context.engine(), filters)) {
        rows.push_back(network_row(n, !no_trunc));
        ids += rows.back()["ID"].get<std::string>() + "\n";
    }
    const std::string out = quiet ? ids
                                  : render_list(ListFormat::parse(format, "network.networkContext"), rows,
                                                {"ID", "Name", "Driver", "Scope"}, network_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::string format, scope;
    bool verbose = false;
    std::vector<std::string> names;
    Options options(globals, "network inspect [OPTIONS] NETWORK [NETWORK...]",
                    "Display detailed information on one or more networks");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .flag("v,verbose", verbose, "Verbose output for diagnostics: as without")
        .value("scope", scope, "Only networks of this scope: local or swarm")
        .hidden()
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    return inspect_each(names, format, [&](const std::string& name) {
        const NetworkInfo found = found_network(engine, name);
        if (!scope.empty() && scope != found.scope)
            throw error(Errc::not_found, "network {} not found in the scope {}", name, scope);
        return davit::inspect(engine, found);
    });
}

void remove_one(Context& context, const std::string& name) {
    const NetworkInfo found = network(context.engine(), name);
    if (found.scope == "swarm") {
        Swarm(context.engine_options()).remove_network(found.name);
        swarm::release_swarm(context.engine());
    } else {
        remove_network(context.engine(), name);
    }
}

int remove(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "network rm NETWORK [NETWORK...]", "Remove one or more networks");
    options.flag("f,force", force, "Do not error if the network does not exist").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            context.mute();
            try {
                if (context.dry_run()) network(context.engine(), name);
                else remove_one(context, name);
                std::printf("%s\n", printable(name).c_str());
            } catch (const Error& e) {
                if (!force || e.kind() != Errc::not_found) throw;
            }
        });
    if (!docker_is_spoken()) errors.throw_if_any();
    for (const Error& e : errors.errors()) std::fprintf(stderr, "%s\n", docker_error(e).c_str());
    if (errors.empty()) return 0;
    throw error(Errc::usage, "exit status 1"); // its last words
}

int prune(Globals& globals, const Args& args) {
    bool force = false;
    Filters filters;
    Options options(globals, "network prune [OPTIONS]", "Remove all unused networks");
    filters.add_long_to(options, "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]");
    options.flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    filters.check();
    if (!force && !globals.dry_run &&
        !confirmed("WARNING! This will remove all custom networks not used by at least one container."))
        return 0;
    Context context(globals);
    context.mute();
    print_pruned_networks(context, filters);
    return 0;
}

} // namespace

void print_pruned_networks(Context& context, const Filters& filters) {
    Engine& engine = context.engine();
    const auto wanted = network_prune_filter(filters);
    bool told = false;
    const auto say = [&](const NetworkInfo& n) {
        if (!std::exchange(told, true)) std::puts("Deleted Networks:");
        std::puts(printable(n.name).c_str());
    };
    if (context.dry_run()) {
        for (const NetworkInfo& n : engine.networks())
            if (wanted(n) && is_dangling(engine, n)) std::printf("Would remove: %s\n", printable(n.name).c_str());
        return;
    }
    prune_networks(engine, wanted, say, context.stop());
    if (told) std::puts("");
}

int run_network(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"connect", "Connect a container to a network", run_network_connect},
        {"create", "Create a network", run_network_create},
        {"disconnect", "Disconnect a container from a network", run_network_disconnect},
        {"inspect", "Display detailed information on one or more networks", inspect},
        {"ls", "List networks", list, VerbGroup::project, "list"},
        {"prune", "Remove all unused networks", prune},
        {"rm", "Remove one or more networks", remove, VerbGroup::project, "remove"},
    };
    return run_group(globals, args, "network", "Manage networks", verbs);
}

} // namespace davit::cli
