#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/container.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

namespace {

struct PsFlags {
    bool all = false, no_trunc = false, orphans = true, quiet = false, services = false;
    std::string filter, format;
    std::vector<std::string> status, names;
};

void take_filter(PsFlags& flags) {
    if (flags.filter.empty()) return;
    const std::size_t equals = flags.filter.find('=');
    const std::string key = flags.filter.substr(0, equals);
    if (equals == std::string::npos) throw error(Errc::usage, "arguments to --filter should be in form KEY=VAL");
    if (key == "status") flags.status.push_back(flags.filter.substr(equals + 1));
    else if (key == "source") throw error(Errc::unsupported, "the filter \"source\" is not supported");
    else throw error(Errc::usage, "unknown filter {}", key).with_hint("the only filter is status");
}

std::vector<ContainerInfo> select(Context& context, const PsFlags& flags) {
    const bool all = flags.all || !flags.status.empty();
    auto containers = containers_of(context, {flags.names, all, all, 0});
    const Project* model = context.model();
    std::erase_if(containers, [&](const ContainerInfo& c) {
        if (!flags.orphans && model && !model->services.count(c.service)) return true;
        const auto& wanted = flags.status;
        return !wanted.empty() && std::find(wanted.begin(), wanted.end(), to_string(c.state)) == wanted.end();
    });
    std::sort(containers.begin(), containers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return containers;
}

} // namespace

int run_ps(Globals& globals, const Args& args) {
    PsFlags flags;
    Options options(globals, "ps [OPTIONS] [SERVICE...]", "List containers");
    options.flag("a,all", flags.all, "Show all stopped containers (including those created by the run command)")
        .value("filter", flags.filter, "Filter services by a property (supported filters: status)")
        .value("format", flags.format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", flags.no_trunc, "Don't truncate output")
        .flag("orphans", flags.orphans, "Include orphaned services (not declared by project) (default true)")
        .flag("q,quiet", flags.quiet, "Only display IDs")
        .flag("services", flags.services, "Display services")
        .list("status", flags.status,
              "Filter services by status. Values: [paused | restarting | removing | running | dead | created | exited]")
        .arguments(flags.names);
    if (!options.parse(args)) return 0;
    take_filter(flags);
    Context context(globals);
    context.ref(flags.names);
    const auto containers = select(context, flags);
    std::string out;
    if (flags.quiet) {
        for (const ContainerInfo& c : containers) out += c.id + "\n";
    } else if (flags.services) {
        std::vector<std::string> services;
        for (const ContainerInfo& c : containers)
            if (std::find(services.begin(), services.end(), c.service) == services.end()) services.push_back(c.service);
        for (const std::string& s : services) out += s + "\n";
        if (services.empty()) out = "\n";
    } else {
        ListFormat format = ListFormat::parse(flags.format);
        format.escapes = false;
        std::vector<nlohmann::json> rows;
        for (const ContainerInfo& c : containers) {
            rows.push_back(container_row(c, sys::realtime_ns(), !flags.no_trunc));
            if (format.kind == ListFormat::Kind::json) rows.back().erase("Label");
        }
        out = render_list(format, rows, {"Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"},
                          container_headers());
    }
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
