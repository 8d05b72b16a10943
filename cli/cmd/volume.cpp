#include "cli/cmd/volume.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/confirm.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/filters.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/format/volume.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"
#include "davit/volumes.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::vector<VolumeInfo> listed(Engine& engine, const Filters& filters) {
    std::vector<VolumeInfo> all = engine.volumes();
    const auto dangling = filters.truth("dangling");
    const auto used = dangling ? volumes_in_use(engine) : std::map<std::string, std::string>{};
    std::erase_if(all, [&](const VolumeInfo& v) {
        return !filters.pattern("name", v.name) || !filters.exact("driver", v.driver) ||
               !filters.labels("label", shown_labels(v)) || (dangling && *dangling == used.contains(v.name));
    });
    std::sort(all.begin(), all.end(), [](const VolumeInfo& a, const VolumeInfo& b) { return a.name < b.name; });
    return all;
}

int create(Globals& globals, const Args& args) {
    VolumeSpec spec;
    std::string name;
    std::vector<std::string> names, labels, opts;
    Options options(globals, "volume create [OPTIONS] [VOLUME]", "Create a volume");
    options.value("d,driver", spec.driver, "Specify volume driver name (default \"local\")")
        .labels("label", labels, "Set metadata for a volume")
        .value("name", name, "Specify volume name")
        .hidden()
        .list("o,opt", opts, "Set driver specific options: type, device, o", "map")
        .arguments(names, 0, 1);
    if (!options.parse(args)) return 0;
    if (!name.empty() && !names.empty())
        throw error(Errc::usage, "conflicting options: cannot specify a volume-name through both --name and as a "
                                 "positional arg");
    spec.name = names.empty() ? name : names.front();
    const auto take = [](std::map<std::string, std::string>& to, const std::string& text) {
        const std::size_t equals = text.find('=');
        to.emplace(text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1));
    };
    for (const std::string& text : labels) take(spec.labels, text);
    for (const std::string& text : opts) take(spec.driver_opts, text);
    Context context(globals);
    context.mute();
    if (context.dry_run()) return 0;
    std::printf("%s\n", printable(create_volume(context.engine(), spec).name).c_str());
    return 0;
}

int list(Globals& globals, const Args& args) {
    bool quiet = false, cluster = false;
    std::string format;
    Filters filters;
    Options options(globals, "volume ls [OPTIONS]", "List volumes");
    filters.add_to(options, "name=TEXT, driver=NAME, label=KEY[=VALUE], dangling=true|false");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("cluster", cluster, "Display only cluster volumes, and use cluster volume list formatting")
        .hidden()
        .flag("q,quiet", quiet, "Only display volume names");
    if (!options.parse(args)) return 0;
    filters.check();
    if (format.empty() && !quiet) format = configured_format(globals, "volumesFormat");
    quiet = quiet && is_table(format);
    if (cluster) { // one machine has none
        if (!quiet) std::puts("VOLUME NAME   GROUP     DRIVER    AVAILABILITY   STATUS");
        return 0;
    }
    Context context(globals);
    std::vector<nlohmann::json> rows;
    std::string names;
    for (const VolumeInfo& v : listed(context.engine(), filters)) {
        rows.push_back(volume_row(v));
        names += v.name + "\n";
    }
    const std::string out = quiet ? names
                                  : render_list(ListFormat::parse(format, "formatter.volumeContext"), rows,
                                                {"Driver", "Name"}, volume_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "volume inspect [OPTIONS] VOLUME [VOLUME...]",
                    "Display detailed information on one or more volumes");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const auto document = [&](const std::string& name) { return davit::inspect(volume(context.engine(), name)); };
    return inspect_each(names, format, document, R"({"Status":null})"); // what a driver tells of it
}

int remove(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "volume rm [OPTIONS] VOLUME [VOLUME...]",
                    "Remove one or more volumes. A volume that a container uses is refused.");
    options.flag("f,force", force, "Do not error if the volume does not exist").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            try {
                if (context.dry_run()) volume(context.engine(), name);
                else remove_volume(context.engine(), name);
            } catch (const Error& e) {
                if (!force || e.kind() != Errc::not_found) throw;
            }
            std::printf("%s\n", printable(name).c_str());
        });
    throw_each(errors);
    return 0;
}

int prune(Globals& globals, const Args& args) {
    bool all = false, force = false;
    Filters filters;
    Options options(globals, "volume prune [OPTIONS]", "Remove volumes that no container uses");
    filters.add_long_to(options, "label=KEY[=VALUE], label!=KEY[=VALUE], all=true|false");
    options.flag("a,all", all, "Remove all unused volumes, not just anonymous ones")
        .flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    filters.check();
    if (all && !filters.values("all").empty())
        throw error(Errc::usage, "conflicting options: cannot specify both --all and --filter all=1");
    all = all || filters.truth("all").value_or(false);
    if (!force && !globals.dry_run &&
        !confirmed(all ? "WARNING! This will remove all local volumes not used by at least one container."
                       : "WARNING! This will remove anonymous local volumes not used by at least one container."))
        return 0;
    Context context(globals);
    context.mute();
    const std::uint64_t bytes = print_pruned_volumes(context, filters, all);
    std::printf("Total reclaimed space: %s\n", human_size(static_cast<double>(bytes)).c_str());
    return 0;
}

} // namespace

std::uint64_t print_pruned_volumes(Context& context, const Filters& filters, bool all) {
    Engine& engine = context.engine();
    const auto wanted = [&](const VolumeInfo& v) {
        return (all || v.anonymous) && filters.labels("label", v.labels) && filters.unlabelled("label!", v.labels);
    };
    if (context.dry_run()) {
        const auto used = volumes_in_use(engine);
        for (const VolumeInfo& v : engine.volumes())
            if (wanted(v) && v.driver_opts.empty() && !used.contains(v.name))
                std::printf("Would remove: %s\n", printable(v.name).c_str());
        return 0;
    }
    std::uint64_t total = 0;
    bool told = false;
    const auto say = [&](const VolumeInfo& v, std::uint64_t bytes) {
        if (!std::exchange(told, true)) std::puts("Deleted Volumes:");
        std::puts(printable(v.name).c_str());
        total += bytes;
    };
    prune_volumes(engine, wanted, say, context.stop());
    if (told) std::puts("");
    return total;
}

namespace {

int update(Globals& globals, const Args& args) {
    std::string availability;
    std::vector<std::string> names;
    Options options(globals, "volume update [OPTIONS] [VOLUME]", "Update a volume (of clusters, which davit has not)");
    options.value("availability", availability, "Availability of the volume: active, pause, drain (default \"active\")")
        .arguments(names, 0, 1);
    if (!options.parse(args)) return 0;
    if (!names.empty()) volume(Context(globals).engine(), names.front()); // throws for an unknown one
    throw error(Errc::usage, "can only update cluster volumes");
}

} // namespace

int run_volume(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a volume", create},
        {"inspect", "Display detailed information on one or more volumes", inspect},
        {"ls", "List volumes", list, VerbGroup::project, "list"},
        {"prune", "Remove volumes that no container uses", prune},
        {"rm", "Remove one or more volumes", remove, VerbGroup::project, "remove"},
        {"update", "Update a volume (of clusters, which davit has not)", update},
    };
    return run_group(globals, args, "volume", "Manage volumes", verbs);
}

} // namespace davit::cli
