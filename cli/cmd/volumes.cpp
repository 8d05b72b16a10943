#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/template.hpp"
#include "cli/format/volume.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

int run_volumes(Globals& globals, const Args& args) {
    std::string format;
    bool quiet = false;
    std::vector<std::string> services;
    Options options(globals, "volumes [OPTIONS] [SERVICE...]", "List the volumes of the project");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("q,quiet", quiet, "Only display volume names")
        .arguments(services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.ref(services);
    std::set<std::string> used;
    if (!services.empty())
        for (const ContainerInfo& c : containers_of(context, {services, true, true, 0}))
            for (const AttachedMount& m : c.mounts) used.insert(m.name);
    std::vector<nlohmann::json> rows;
    std::string names;
    for (const VolumeInfo& volume : context.engine().volumes(context.project_name())) {
        if (volume.anonymous || (!services.empty() && !used.count(volume.name))) continue;
        names += volume.name + "\n";
        rows.push_back(volume_row(volume));
    }
    const std::string out =
        quiet ? names : render_list(ListFormat::parse(format), rows, {"Driver", "Name"}, volume_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
