#include "base/error.hpp"
#include "cli/cmd/service.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/swarm_objects.hpp"
#include "cli/format/table.hpp"
#include "cli/format/template.hpp"
#include "davit/services.hpp"
#include "davit/swarm_objects.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

// Throws where there is no swarm.
swarm::Node this_node(Engine& engine) { return swarm::node(engine, "self"); }

// docker's template: the node that is asked has a star.
std::string node_table(const std::vector<nlohmann::json>& rows) {
    Table table{{"ID", "HOSTNAME", "STATUS", "AVAILABILITY", "MANAGER STATUS", "ENGINE VERSION"}, {}};
    for (const nlohmann::json& row : rows) {
        auto text = [&](const char* key) { return row[key].get<std::string>(); };
        table.rows.push_back({text("ID") + " *", text("Hostname"), text("Status"), text("Availability"),
                              text("ManagerStatus"), text("EngineVersion")});
    }
    return table.to_string();
}

void check_words(const Filters& filters, const char* key, std::initializer_list<std::string_view> words) {
    for (const std::string& wanted : filters.values(key))
        if (std::find(words.begin(), words.end(), wanted) == words.end())
            throw error(Errc::invalid_project, "Invalid {} filter: '{}'", key, wanted);
}

int node_list(Globals& globals, const Args& args) {
    bool quiet = false;
    std::string format;
    Filters filters;
    std::vector<std::string> none;
    Options options(globals, "node ls [OPTIONS]", "List nodes in the swarm");
    filters.add_to(options, "id=ID, label=KEY[=VALUE], membership=accepted|pending, name=TEXT, node.label=KEY[=VALUE], "
                            "role=manager|worker");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("q,quiet", quiet, "Only display IDs")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    filters.check();
    check_words(filters, "role", {"manager", "worker"});
    check_words(filters, "membership", {"accepted", "pending"});
    Context context(globals);
    const swarm::Node n = this_node(context.engine());
    const bool shown = filters.prefix("id", n.id) && filters.prefix("name", n.name) && filters.exact("role", n.role) &&
                       filters.exact("membership", "accepted") && filters.labels("node.label", n.labels) &&
                       filters.labels("label", {});
    const std::vector<nlohmann::json> rows(shown ? 1 : 0, node_row(n));
    const ListFormat shape = ListFormat::parse(format, "node.nodeContext");
    std::string out;
    if (shape.kind != ListFormat::Kind::table) out = render_list(shape, rows, {}, node_headers());
    else if (!quiet) out = node_table(rows);
    else if (shown) out = n.id + "\n";
    std::fputs(out.c_str(), stdout);
    return 0;
}

int node_inspect(Globals& globals, const Args& args) {
    auto document = [](Engine& engine, const std::string& name) { return swarm::inspect(swarm::node(engine, name)); };
    auto pretty = [&](Engine& engine, const std::string& name) {
        return pretty_node(nlohmann::ordered_json::parse(document(engine, name)));
    };
    return run_inspection(globals, args,
                          {"node inspect [OPTIONS] self|NODE [NODE...]",
                           "Display detailed information on one or more nodes", document, pretty, "{}"});
}

int node_ps(Globals& globals, const Args& args) {
    TaskListFlags flags;
    std::vector<std::string> names;
    Options options(globals, "node ps [OPTIONS] [NODE...]",
                    "List tasks running on one or more nodes, defaults to current node");
    flags.add_to(options);
    options.arguments(names);
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    if (names.empty()) names.emplace_back("self");
    bool found = false;
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            flags.filters.add("node", swarm::node(engine, name).id);
            found = true;
        });
    if (found) list_tasks(engine, tasks_of(engine, swarm::services(engine)), flags, true);
    errors.throw_if_any();
    return 0;
}

void update(Engine& engine, const std::string& name, const swarm::NodeChange& change) {
    const swarm::Node n = swarm::node(engine, name);
    for (const std::string& key : change.remove_labels) // docker's client looks for them
        if (!n.labels.contains(key) && !change.add_labels.contains(key))
            throw error(Errc::usage, "key {} doesn't exist in node's labels", key);
    swarm::update_node(engine, name, change);
}

int node_update(Globals& globals, const Args& args) {
    swarm::NodeChange change;
    std::vector<std::string> names;
    Options options(globals, "node update [OPTIONS] NODE", "Update a node");
    options.value("availability", change.availability, "Availability of the node (\"active\", \"pause\", \"drain\")")
        .each(
            "label-add", "list",
            [&](const std::string& text) {
                const std::size_t equals = text.find('=');
                change.add_labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
            },
            "Add or update a node label (\"key=value\")")
        .list("label-rm", change.remove_labels, "Remove a node label if exists", "list")
        .value("role", change.role, "Role of the node (\"manager\"; it is the only one)")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    if (!context.dry_run()) {
        update(context.engine(), names[0], change);
        Swarm(context.engine_options()).node_changed();
    }
    std::printf("%s\n", names[0].c_str());
    return 0;
}

// Each of the nodes that are named is this one, and a manager.
int change_role(Globals& globals, const Args& args, const char* verb, const char* summary, const char* role) {
    std::vector<std::string> names;
    Options options(globals, std::string("node ") + verb + " NODE [NODE...]", summary);
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    swarm::NodeChange change;
    change.role = role;
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            swarm::update_node(context.engine(), name, change);
            std::printf("Node %s is already a manager.\n", swarm::node(context.engine(), name).id.c_str());
        });
    errors.throw_if_any();
    return 0;
}

int node_promote(Globals& globals, const Args& args) {
    return change_role(globals, args, "promote", "Promote one or more nodes to manager in the swarm", "manager");
}

int node_demote(Globals& globals, const Args& args) {
    return change_role(globals, args, "demote", "Demote one or more nodes from manager in the swarm", "worker");
}

int node_remove(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> names;
    Options options(globals, "node rm [OPTIONS] NODE [NODE...]", "Remove one or more nodes from the swarm");
    options.flag("f,force", force, "Force remove a node from the swarm").arguments(names, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            const swarm::Node n = swarm::node(context.engine(), name);
            throw error(Errc::conflict,
                        "node {} is a cluster manager and is a member of the raft cluster. It must be demoted to "
                        "worker before removal",
                        n.id)
                .with_hint("it is the only node: 'davit swarm leave --force' ends the swarm");
        });
    errors.throw_if_any();
    return 0;
}

} // namespace

int run_node(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"demote", "Demote one or more nodes from manager in the swarm", node_demote},
        {"inspect", "Display detailed information on one or more nodes", node_inspect},
        {"ls", "List nodes in the swarm", node_list, VerbGroup::project, "list"},
        {"promote", "Promote one or more nodes to manager in the swarm", node_promote},
        {"ps", "List tasks running on one or more nodes, defaults to current node", node_ps},
        {"rm", "Remove one or more nodes from the swarm", node_remove, VerbGroup::project, "remove"},
        {"update", "Update a node", node_update},
    };
    return run_swarm_group(globals, args, "node", "Manage the one node of the swarm", verbs);
}

} // namespace davit::cli
