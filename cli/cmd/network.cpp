#include "base/error.hpp"
#include "cli/cmd/machine.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/template.hpp"
#include "cli/format/volume.hpp"
#include "cli/options.hpp"
#include "davit/inspect.hpp"
#include "davit/networks.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int list(Globals& globals, const Args& args) {
    bool quiet = false, no_trunc = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "network ls [OPTIONS]", "List networks");
    options.list("f,filter", filters, "Provide filter values: name=TEXT, driver=NAME, label=KEY[=VALUE]", "filter")
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", no_trunc, "Do not truncate the output")
        .flag("q,quiet", quiet, "Only display network IDs");
    if (!options.parse(args)) return 0;
    Context context(globals);
    std::vector<nlohmann::json> rows;
    std::string ids;
    for (const NetworkInfo& n : context.engine().networks()) {
        if (!passes(filters, {{"name", n.name}, {"driver", n.driver}, {"id", n.id}}, n.labels)) continue;
        rows.push_back(network_row(n, !no_trunc));
        ids += rows.back()["ID"].get<std::string>() + "\n";
    }
    const std::string out =
        quiet ? ids
              : render_list(ListFormat::parse(format), rows, {"ID", "Name", "Driver", "Scope"}, network_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "network inspect [OPTIONS] NETWORK [NETWORK...]",
                    "Display detailed information on one or more networks");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    std::vector<std::string> all;
    for (const std::string& name : names)
        all.push_back(davit::inspect(context.engine(), network(context.engine(), name)));
    print_inspected(all, format);
    return 0;
}

int remove(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "network rm [OPTIONS] NETWORK [NETWORK...]", "Remove one or more networks");
    options.flag("f,force", force, "Do not error if the network does not exist").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            try {
                context.mute();
                remove_network(context.engine(), name);
                std::printf("%s\n", name.c_str());
            } catch (const Error& e) {
                if (!force || e.kind() != Errc::not_found) throw;
            }
        });
    errors.throw_if_any();
    return 0;
}

} // namespace

int run_network(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"inspect", "Display detailed information on one or more networks", inspect},
        {"ls", "List networks", list, VerbGroup::project, "list"},
        {"rm", "Remove one or more networks", remove, VerbGroup::project, "remove"},
    };
    return run_group(globals, args, "network", "Manage networks", verbs);
}

} // namespace davit::cli
