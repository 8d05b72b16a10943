#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/machine.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/container.hpp"
#include "cli/format/health.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;

int list(Globals& globals, const Args& args) {
    bool all = false, quiet = false, no_trunc = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "container ls [OPTIONS]", "List the containers of all projects");
    options.flag("a,all", all, "Show all containers (default shows just running)")
        .list("f,filter", filters, "Provide filter values: name=TEXT, id=TEXT, status=STATE, label=KEY[=VALUE]", "filter")
        .value("format", format, "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-trunc", no_trunc, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display container IDs");
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ListFormat shape = ListFormat::parse(format);
    std::vector<nlohmann::json> rows;
    std::string ids;
    for (const ContainerInfo& c : all_containers(context.engine())) {
        const bool live = c.state == ContainerState::running || c.state == ContainerState::paused || c.state == ContainerState::restarting;
        if ((!live && !all && filters.empty()) || !passes(filters, {{"name", c.name}, {"id", c.id}, {"status", to_string(c.state)}}, c.labels)) continue;
        rows.push_back(container_row(c, sys::realtime_ns(), !no_trunc));
        if (shape.kind == ListFormat::Kind::json) rows.back().erase("Label");
        ids += (no_trunc ? c.id : short_id(c.id)) + "\n";
    }
    const std::string out = quiet ? ids : render_list(shape, rows, {"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"}, container_headers());
    std::fputs(out.c_str(), stdout);
    return 0;
}

std::string time_text(std::int64_t time) { return time ? rfc3339_nano(time) : "0001-01-01T00:00:00Z"; }

OrderedJson state_of(const ContainerInfo& c, const std::vector<HealthCheckResult>& checks) {
    OrderedJson state = {{"Status", to_string(c.state)}, {"Running", c.pid != 0}, {"Paused", c.state == ContainerState::paused},
                  {"Restarting", c.state == ContainerState::restarting}, {"OOMKilled", c.oom_killed}, {"Pid", c.pid},
                  {"ExitCode", c.exit_code}, {"Error", c.error}, {"StartedAt", time_text(c.started_at)}, {"FinishedAt", time_text(c.finished_at)}};
    if (auto health = health_json(c, checks); !health.is_null()) state["Health"] = std::move(health);
    return state;
}

OrderedJson networks_of(const ContainerInfo& c) {
    OrderedJson out = OrderedJson::object();
    for (const AttachedNetwork& n : c.networks)
        out[n.name] = {{"Aliases", n.aliases}, {"MacAddress", n.mac}, {"IPAddress", n.ipv4}, {"GlobalIPv6Address", n.ipv6}};
    return out;
}

OrderedJson ports_of(const ContainerInfo& c) {
    OrderedJson out = OrderedJson::object();
    for (const std::string& port : c.expose) out[port] = nullptr;
    for (const PublishedPort& p : c.ports) {
        OrderedJson& list = out[std::to_string(p.target) + "/" + p.protocol];
        list.push_back({{"HostIp", p.host_ip}, {"HostPort", std::to_string(p.host_port)}});
    }
    return out;
}

// The parts of `docker inspect` that do not describe Docker; the environment is left out, since
// secrets are kept there all too often.
OrderedJson inspected(const ContainerInfo& c, const std::vector<HealthCheckResult>& checks) {
    OrderedJson mounts = OrderedJson::array();
    for (const AttachedMount& m : c.mounts)
        mounts.push_back({{"Type", m.type}, {"Name", m.name}, {"Source", m.source}, {"Destination", m.target}, {"RW", !m.read_only}});
    const std::string path = c.command.empty() ? "" : c.command.front();
    const std::vector<std::string> arguments(c.command.begin() + (c.command.empty() ? 0 : 1), c.command.end());
    return {{"Id", c.id}, {"Created", rfc3339_nano(c.created)}, {"Path", path}, {"Args", arguments}, {"State", state_of(c, checks)},
            {"Image", c.image_id}, {"LogPath", c.log_path}, {"Name", "/" + c.name}, {"RestartCount", c.restart_count},
            {"HostConfig", {{"NetworkMode", c.network_mode}, {"AutoRemove", c.auto_remove}, {"LogConfig", {{"Type", c.log_driver}}}}},
            {"Mounts", mounts}, {"Config", {{"Image", c.image}, {"Tty", c.tty}, {"OpenStdin", c.open_stdin}, {"Labels", c.labels}}},
            {"NetworkSettings", {{"Ports", ports_of(c)}, {"Networks", networks_of(c)}}}};
}

int inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "container inspect [OPTIONS] CONTAINER [CONTAINER...]", "Display detailed information on one or more containers");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    OrderedJson all = OrderedJson::array();
    for (const std::string& name : names) {
        const ContainerInfo container = find_container(context.engine(), name);
        all.push_back(inspected(container, context.engine().health_log(container)));
    }
    print_inspected(all.dump(), format);
    return 0;
}

} // namespace

int run_container(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"inspect", "Display detailed information on one or more containers", inspect},
        {"ls", "List the containers of all projects", list, VerbGroup::project, "list"},
    };
    return run_group(globals, args, "container", "Look at the containers of all projects", verbs);
}

} // namespace davit::cli
