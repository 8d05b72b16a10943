#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/service.hpp"
#include "cli/context.hpp"
#include "cli/format/swarm_objects.hpp"
#include "cli/format/template.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

constexpr const char* list_format_help =
    "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template";

std::string id_lines(const std::vector<nlohmann::json>& rows) {
    std::string out;
    for (const nlohmann::json& row : rows) out += row["ID"].get<std::string>() + "\n";
    return out;
}

// Those of the task's desired state; "running" in any case of letters.
void check_desired_states(const Filters& filters) {
    static const swarm::TaskState states[] = {
        swarm::TaskState::new_,      swarm::TaskState::pending,  swarm::TaskState::assigned, swarm::TaskState::accepted,
        swarm::TaskState::preparing, swarm::TaskState::ready,    swarm::TaskState::starting, swarm::TaskState::running,
        swarm::TaskState::complete,  swarm::TaskState::shutdown, swarm::TaskState::failed,   swarm::TaskState::rejected,
        swarm::TaskState::remove,    swarm::TaskState::orphaned};
    for (const std::string& wanted : filters.values("desired-state"))
        if (std::none_of(std::begin(states), std::end(states),
                         [&](swarm::TaskState s) { return wanted == to_string(s); }))
            throw error(Errc::invalid_project, "Invalid desired-state filter: '{}'", wanted);
}

void check_services(Engine& engine, const Filters& filters) {
    if (filters.values("service").empty()) return;
    const std::vector<swarm::Service> all = swarm::services(engine);
    for (const std::string& wanted : filters.values("service"))
        if (std::ranges::none_of(all, [&](const swarm::Service& s) { return s.spec.name == wanted || s.id == wanted; }))
            throw error(Errc::not_found, "service {} not found", wanted);
}

bool passes(const Filters& filters, const swarm::FoundTask& f, const swarm::Node& node) {
    const std::string full_name = task_name(f.service, f.task) + "." + f.task.id;
    const auto& nodes = filters.values("node");
    const bool here = nodes.empty() || std::any_of(nodes.begin(), nodes.end(), [&](const std::string& wanted) {
                          return wanted == "self" || wanted == node.name || node.id.starts_with(wanted);
                      });
    const bool of_service = filters.exact("service", f.service.spec.name) || filters.exact("service", f.service.id);
    return here && (nodes.empty() || !f.task.node_id.empty()) && of_service && filters.prefix("name", full_name) &&
           filters.prefix("id", f.task.id) && filters.labels("label", f.service.spec.labels) &&
           filters.exact("desired-state", to_string(f.task.desired));
}

std::vector<TaskRow> task_rows(Engine& engine, const std::vector<swarm::FoundTask>& tasks, const TaskListFlags& flags) {
    const swarm::Node here = swarm::node(engine).value_or(swarm::Node{});
    std::vector<TaskRow> rows;
    for (const swarm::FoundTask& f : tasks) {
        if (!passes(flags.filters, f, here)) continue;
        swarm::Service shown = f.service;
        if (flags.no_resolve) shown.spec.name = shown.id;
        const bool named = !flags.no_resolve && f.task.node_id == here.id;
        rows.push_back({f.task, task_name(shown, f.task), named ? here.name : f.task.node_id,
                        ports_of(engine, f.service, f.task)});
    }
    std::stable_sort(rows.begin(), rows.end(), [](const TaskRow& a, const TaskRow& b) {
        return a.name != b.name ? natural_less(a.name, b.name) : a.task.created_at > b.task.created_at;
    });
    return rows;
}

} // namespace

void TaskListFlags::add_to(Options& options) {
    filters.add_to(options, "id=ID, name=TEXT, node=NODE, "
                            "desired-state=running|ready|complete|shutdown, label=KEY[=VALUE], service=SERVICE");
    options.value("format", format, list_format_help)
        .flag("no-resolve", no_resolve, "Do not map IDs to Names")
        .flag("no-trunc", no_trunc, "Do not truncate output")
        .flag("q,quiet", quiet, "Only display task IDs");
}

std::vector<swarm::FoundTask> tasks_of(Engine& engine, const std::vector<swarm::Service>& services) {
    std::vector<swarm::FoundTask> out;
    for (const swarm::Service& s : services)
        for (const swarm::Task& t : swarm::tasks(engine, s)) out.push_back({s, t});
    return out;
}

std::size_t list_tasks(Engine& engine, std::vector<swarm::FoundTask> tasks, const TaskListFlags& flags,
                       bool none_is_fine) {
    flags.filters.check();
    check_desired_states(flags.filters);
    for (const std::string& node : flags.filters.values("node")) swarm::node(engine, node); // throws for an unknown one
    check_services(engine, flags.filters);
    const std::vector<TaskRow> found = task_rows(engine, tasks, flags);
    if (found.empty() && !none_is_fine) return 0;
    const ListFormat shape = ListFormat::parse(flags.format, "task.taskContext");
    const bool table = shape.kind == ListFormat::Kind::table || shape.kind == ListFormat::Kind::table_template;
    const bool ids = flags.quiet && shape.kind == ListFormat::Kind::table;
    const std::int64_t now = sys::realtime_ns();
    std::vector<nlohmann::json> rows;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const bool below = table && i > 0 && found[i - 1].name == found[i].name;
        rows.push_back(task_row(found[i], below, !flags.no_trunc, now));
    }
    const std::string out =
        ids ? id_lines(rows)
            : render_list(shape, rows,
                          {"ID", "Name", "Image", "Node", "DesiredState", "CurrentState", "Error", "Ports"},
                          task_headers());
    std::fputs(out.c_str(), stdout);
    return found.size();
}

void ServiceListFlags::add_to(Options& options) {
    filters.add_to(options, "id=ID, name=TEXT, label=KEY[=VALUE], "
                            "mode=replicated|global|replicated-job|global-job, runtime=container");
    options.value("format", format, list_format_help).flag("q,quiet", quiet, "Only display IDs");
}

std::vector<swarm::Service> passing(const std::vector<swarm::Service>& services, const Filters& filters) {
    filters.check();
    std::vector<swarm::Service> out;
    std::copy_if(services.begin(), services.end(), std::back_inserter(out), [&](const swarm::Service& s) {
        return filters.prefix("id", s.id) && filters.prefix("name", s.spec.name) &&
               filters.labels("label", s.spec.labels) && filters.exact("mode", mode_keyword(s.spec.mode)) &&
               filters.exact("runtime", "container");
    });
    std::stable_sort(out.begin(), out.end(), [](const swarm::Service& a, const swarm::Service& b) {
        return natural_less(a.spec.name, b.spec.name);
    });
    return out;
}

void list_services(Engine& engine, const std::vector<swarm::Service>& services, const ServiceListFlags& flags) {
    const ListFormat shape = ListFormat::parse(flags.format, "service.serviceContext");
    std::vector<nlohmann::json> rows;
    for (const swarm::Service& s : services) rows.push_back(service_row(s, count(s, swarm::tasks(engine, s))));
    const std::string out =
        flags.quiet && shape.kind == ListFormat::Kind::table
            ? id_lines(rows)
            : render_list(shape, rows, {"ID", "Name", "Mode", "Replicas", "Image", "Ports"}, service_headers());
    std::fputs(out.c_str(), stdout);
}

int run_service_ls(Globals& globals, const Args& args) {
    ServiceListFlags flags;
    std::vector<std::string> none;
    Options options(globals, "service ls [OPTIONS]", "List services");
    flags.add_to(options);
    options.arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    list_services(context.engine(), passing(swarm::services(context.engine()), flags.filters), flags);
    return 0;
}

int run_service_ps(Globals& globals, const Args& args) {
    TaskListFlags flags;
    std::vector<std::string> names;
    Options options(globals, "service ps [OPTIONS] SERVICE [SERVICE...]", "List the tasks of one or more services");
    flags.add_to(options);
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    std::vector<swarm::Service> found;
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            swarm::Service s = swarm::service(context.engine(), name);
            if (std::none_of(found.begin(), found.end(), [&](const swarm::Service& other) { return other.id == s.id; }))
                found.push_back(std::move(s));
        });
    if (!found.empty()) list_tasks(context.engine(), tasks_of(context.engine(), found), flags, true);
    errors.throw_if_any();
    return 0;
}

int run_service_inspect(Globals& globals, const Args& args) {
    // Swarm's structs have more than their documents show.
    static const char* const zeros =
        R"({"Spec":{"Labels":null,"TaskTemplate":{"ContainerSpec":{"Image":"","Labels":null,"Command":null,"Args":null,)"
        R"("Hostname":"","Env":null,"Dir":"","User":"","Groups":null,"Privileges":null,"Init":null,"StopSignal":"",)"
        R"("TTY":false,"OpenStdin":false,"ReadOnly":false,"Mounts":null,"StopGracePeriod":null,"Healthcheck":null,)"
        R"("Hosts":null,"DNSConfig":null,"Secrets":null,"Configs":null,"Isolation":"","Sysctls":null,)"
        R"("CapabilityAdd":null,"CapabilityDrop":null,"Ulimits":null,"OomScoreAdj":0},)"
        R"("Resources":{"Limits":null,"Reservations":null,"SwapBytes":null,"MemorySwappiness":null},)"
        R"("RestartPolicy":{"Condition":"","Delay":null,"MaxAttempts":null,"Window":null},)"
        R"("Placement":{"Constraints":null,"Preferences":null,"MaxReplicas":0,"Platforms":null},)"
        R"("Networks":null,"LogDriver":null,"ForceUpdate":0,"Runtime":""},)"
        R"("Mode":{"Replicated":null,"Global":null,"ReplicatedJob":null,"GlobalJob":null},)"
        R"("UpdateConfig":{"Delay":0},"RollbackConfig":{"Delay":0},"Networks":null,"EndpointSpec":{"Mode":"","Ports":null}},)"
        R"("PreviousSpec":null,"Endpoint":{"Spec":{"Mode":"","Ports":null},"Ports":null,"VirtualIPs":null},)"
        R"("UpdateStatus":null,"ServiceStatus":null,"JobStatus":null})";
    auto found = [](Engine& engine, const std::string& name) { return swarm::service(engine, name); };
    return run_inspection(
        globals, args,
        {"service inspect [OPTIONS] SERVICE [SERVICE...]", "Display detailed information on one or more services",
         [&](Engine& engine, const std::string& name) { return swarm::inspect(found(engine, name)); },
         [&](Engine& engine, const std::string& name) { return pretty(found(engine, name)); }, zeros, true});
}

} // namespace davit::cli
