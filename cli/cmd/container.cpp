#include "cli/format/container.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/container_run.hpp"
#include "cli/cmd/machine.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int list(Globals& globals, const Args& args) {
    bool all = false, quiet = false, no_trunc = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "container ls [OPTIONS]", "List the containers of all projects");
    options.flag("a,all", all, "Show all containers (default shows just running)")
        .list("f,filter", filters, "Provide filter values: name=TEXT, id=TEXT, status=STATE, label=KEY[=VALUE]",
              "filter")
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", no_trunc, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display container IDs");
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ListFormat shape = ListFormat::parse(format);
    std::vector<nlohmann::json> rows;
    std::string ids;
    for (const ContainerInfo& c : context.engine().all_containers()) {
        const bool live = c.state == ContainerState::running || c.state == ContainerState::paused ||
                          c.state == ContainerState::restarting;
        if ((!live && !all && filters.empty()) ||
            !passes(filters, {{"name", c.name}, {"id", c.id}, {"status", to_string(c.state)}}, c.labels))
            continue;
        rows.push_back(container_row(c, sys::realtime_ns(), !no_trunc));
        if (shape.kind == ListFormat::Kind::json) rows.back().erase("Label");
        ids += (no_trunc ? c.id : short_id(c.id)) + "\n";
    }
    const std::string out =
        quiet ? ids
              : render_list(shape, rows, {"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"},
                            container_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "container inspect [OPTIONS] CONTAINER [CONTAINER...]",
                    "Display detailed information on one or more containers");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    std::vector<std::string> all;
    for (const std::string& name : names)
        all.push_back(davit::inspect(context.engine(), find_container(context.engine(), name), print_warning));
    print_inspected(all, format);
    return 0;
}

} // namespace

int run_container(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"inspect", "Display detailed information on one or more containers", inspect},
        {"ls", "List the containers of all projects", list, VerbGroup::project, "list"},
        {"run", "Create and run a new container from an image", run_container_run},
    };
    return run_group(globals, args, "container", "Look at the containers of all projects", verbs);
}

} // namespace davit::cli
