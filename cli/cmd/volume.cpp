#include "cli/format/volume.hpp"
#include "base/error.hpp"
#include "cli/cmd/machine.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"
#include "davit/volumes.hpp"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int list(Globals& globals, const Args& args) {
    bool quiet = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "volume ls [OPTIONS]", "List volumes");
    options
        .list("f,filter", filters,
              "Provide filter values: name=TEXT, driver=NAME, label=KEY[=VALUE], dangling=true|false", "filter")
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("q,quiet", quiet, "Only display volume names");
    if (!options.parse(args)) return 0;
    Context context(globals);
    const auto used = volumes_in_use(context.engine());
    std::vector<nlohmann::json> rows;
    std::string names;
    for (const VolumeInfo& v : context.engine().volumes()) {
        if (!passes(filters,
                    {{"name", v.name}, {"driver", v.driver}, {"dangling", used.count(v.name) ? "false" : "true"}},
                    v.labels))
            continue;
        rows.push_back(volume_row(v));
        names += v.name + "\n";
    }
    const std::string out =
        quiet ? names : render_list(ListFormat::parse(format), rows, {"Driver", "Name"}, volume_headers());
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
    std::vector<std::string> all;
    for (const std::string& name : names) all.push_back(davit::inspect(volume(context.engine(), name)));
    print_inspected(all, format);
    return 0;
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
                remove_volume(context.engine(), name);
            } catch (const Error& e) {
                if (!force || e.kind() != Errc::not_found) throw;
            }
            std::printf("%s\n", name.c_str());
        });
    errors.throw_if_any();
    return 0;
}

int prune(Globals& globals, const Args& args) {
    bool all = false, force = false;
    Options options(globals, "volume prune [OPTIONS]", "Remove volumes that no container uses");
    options.flag("a,all", all, "Remove all unused volumes, not just anonymous ones")
        .flag("f,force", force, "Do not prompt for confirmation");
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    if (!force && !context.dry_run()) {
        std::fprintf(stderr,
                     "WARNING! This will remove %s volumes not used by at least one container.\nAre you sure you want "
                     "to continue? [y/N] ",
                     all ? "all" : "anonymous");
        std::string answer;
        if (!std::getline(std::cin, answer)) std::fputc('\n', stderr);
        if (answer != "y" && answer != "Y") return 0;
    }
    prune_volumes(context.engine(), all, [](const VolumeInfo& v) { std::printf("%s\n", v.name.c_str()); });
    return 0;
}

} // namespace

int run_volume(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"inspect", "Display detailed information on one or more volumes", inspect},
        {"ls", "List volumes", list, VerbGroup::project, "list"},
        {"prune", "Remove volumes that no container uses", prune},
        {"rm", "Remove one or more volumes", remove, VerbGroup::project, "remove"},
    };
    return run_group(globals, args, "volume", "Manage volumes", verbs);
}

} // namespace davit::cli
