// `container ls`, docker's ps.
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/container_look.hpp"
#include "cli/context.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/container_list.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::string size_text(Engine& engine, const ContainerInfo& container) {
    const ContainerSizes sizes = container_sizes(engine, container);
    return fmt::format("{} (virtual {})", human_size(static_cast<double>(sizes.written), 3),
                       human_size(static_cast<double>(sizes.whole), 3));
}

} // namespace

int run_container_ls(Globals& globals, const Args& args) {
    ListContainersOptions which;
    bool latest = false, no_trunc = false, quiet = false, size = false;
    std::string format;
    Options options(globals, "container ls [OPTIONS]", "List containers");
    options.flag("a,all", which.all, "Show all containers (default shows just running)")
        .list("f,filter", which.filters,
              "Filter output based on conditions provided: ancestor=IMAGE, before=CONTAINER, exited=CODE, expose=PORT, "
              "health=starting|healthy|unhealthy|none, id=ID, is-task=true|false, label=KEY[=VALUE], name=TEXT, "
              "network=NETWORK, publish=PORT, since=CONTAINER, status=STATE, volume=VOLUME",
              "filter")
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .value("n,last", which.last, "Show n last created containers (includes all states) (default -1)")
        .flag("l,latest", latest, "Show the latest created container (includes all states)")
        .flag("no-trunc", no_trunc, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display container IDs")
        .flag("s,size", size, "Display total file sizes");
    if (!options.parse(args)) return 0;
    if (latest && which.last < 0) which.last = 1;
    Context context(globals);
    Engine& engine = context.engine();
    const ListFormat shape = ListFormat::parse(format);
    size = size || shape.text.find(".Size") != std::string::npos;
    std::vector<nlohmann::json> rows;
    std::string out;
    for (const ContainerInfo& c : list_containers(engine, which)) {
        if (quiet) {
            out += (no_trunc ? c.id : short_id(c.id)) + "\n";
            continue;
        }
        rows.push_back(docker_container_row(c, sys::realtime_ns(), !no_trunc));
        if (size) rows.back()["Size"] = size_text(engine, c);
        if (shape.kind == ListFormat::Kind::json) rows.back().erase("Label");
    }
    std::vector<std::string> columns{"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"};
    if (size) columns.emplace_back("Size");
    if (!quiet) out = render_list(shape, rows, columns, docker_container_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
