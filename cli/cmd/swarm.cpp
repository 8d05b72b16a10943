#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"

#include <cstdio>
#include <optional>

namespace davit::cli {

namespace {

constexpr const char* on_several_machines =
    "davit runs services on this machine alone; with Docker on several machines, 'docker swarm init' and 'docker swarm "
    "join' make a cluster, and the same stack files deploy there unchanged";

constexpr std::int64_t hour = 3'600'000'000'000; // ns

constexpr const char* history_help = "Task history retention limit of each slot (default 5; -1: all)";

auto history_flag(std::optional<std::int64_t>& history) {
    return [&history](const std::string& text) {
        history = parse_int(text);
        if (!history) throw error(Errc::usage, "strconv.ParseInt: parsing \"{}\": invalid syntax", text);
    };
}

int swarm_init(Globals& globals, const Args& args) {
    std::vector<std::string> none;
    Options options(globals, "swarm init [OPTIONS]", "Make this machine a swarm of one node, until it leaves");
    swarm::NodeChange change;
    options.value("availability", change.availability, "Availability of the node (\"active\", \"pause\", \"drain\")");
    for (const char* flag : {"advertise-addr", "cert-expiry", "data-path-addr", "data-path-port", "default-addr-pool",
                             "default-addr-pool-mask-length", "dispatcher-heartbeat", "external-ca", "listen-addr",
                             "max-snapshots", "snapshot-interval"})
        options.ignored(flag, "string"); // between machines
    std::optional<std::int64_t> history;
    options.each("task-history-limit", "int", history_flag(history), history_help);
    options.ignored("autolock").ignored("force-new-cluster").arguments(none, 0, 0);
    options.epilog("It is one without it, too, from the first service, config or secret to the last.");
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    if (const std::string how = change.availability.value_or("active");
        how != "active" && how != "pause" && how != "drain")
        throw error(Errc::usage, "invalid availability \"{}\", only active, pause and drain are supported", how);
    if (context.dry_run()) return 0;
    const swarm::Node node = swarm::init_swarm(context.engine());
    try {
        if (change.availability) swarm::update_node(context.engine(), node.id, change);
        if (history) swarm::set_task_history(context.engine(), *history);
    } catch (...) { // it asks for what there is not: nothing stays
        swarm::leave_swarm(context.engine(), true);
        throw;
    }
    std::printf("Swarm initialized: current node (%s) is now a manager.\n\nNo other machine can join it: to run on "
                "several, deploy the same stack files with Docker.\n",
                node.id.c_str());
    return 0;
}

int swarm_join(Globals& globals, const Args& args) {
    std::string token;
    std::vector<std::string> address;
    Options options(globals, "swarm join [OPTIONS] HOST:PORT", "Join a swarm (other machines' are Docker's)");
    options.value("token", token, "Token for entry into the swarm")
        .ignored("advertise-addr", "string")
        .ignored("availability", "string")
        .ignored("data-path-addr", "string")
        .ignored("listen-addr", "string")
        .arguments(address, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    if (swarm::node(context.engine()))
        throw error(Errc::conflict, "This node is already part of a swarm. Use \"davit swarm leave\" to leave this "
                                    "swarm and join another one.")
            .with_hint(on_several_machines);
    throw error(Errc::unsupported, "davit joins no swarm of other machines").with_hint(on_several_machines);
}

int swarm_join_token(Globals& globals, const Args& args) {
    bool quiet = false, rotate = false;
    std::vector<std::string> role;
    Options options(globals, "swarm join-token [OPTIONS] (worker|manager)", "Manage join tokens");
    options.flag("q,quiet", quiet, "Only display token").flag("rotate", rotate, "Rotate join token");
    options.arguments(role, 1, 1);
    if (!options.parse(args)) return 0;
    const bool manager = role[0] == "manager";
    if (!manager && role[0] != "worker") throw error(Errc::usage, "unknown role {}", role[0]);
    Context context(globals);
    const swarm::Node n =
        rotate ? swarm::rotate_token(context.engine(), manager) : swarm::node(context.engine(), "self");
    const std::string& token = manager ? n.manager_token : n.worker_token;
    if (rotate && !quiet) std::printf("Successfully rotated %s join token.\n\n", role[0].c_str());
    if (quiet) std::printf("%s\n", token.c_str());
    else
        std::printf("The token of a %s would be\n\n    %s\n\nbut no other machine can join: %s.\n", role[0].c_str(),
                    token.c_str(), on_several_machines);
    return 0;
}

// What several machines would have to agree upon: checked, and without effect on one.
int swarm_update(Globals& globals, const Args& args) {
    bool any = false, short_lived = false;
    std::vector<std::string> none;
    Options options(globals, "swarm update [OPTIONS]", "Update the swarm");
    const auto noted = [&](const std::string&) { any = true; };
    const auto number = [&](const std::string& text) {
        const auto value = parse_int(text);
        if (!value) throw error(Errc::usage, "strconv.ParseInt: parsing \"{}\": invalid syntax", text);
        any = true;
    };
    const auto duration = [&](const std::string& text) {
        if (!parse_duration(text)) throw error(Errc::usage, "time: invalid duration \"{}\"", text);
        any = true;
    };
    const auto expiry = [&](const std::string& text) {
        duration(text);
        short_lived = short_lived || *parse_duration(text) < hour;
    };
    std::optional<bool> autolock;
    std::optional<std::int64_t> history;
    options.flag("autolock", autolock, "Change manager autolocking setting: there is nothing to lock")
        .each("cert-expiry", "duration", expiry, "Validity period for node certificates: there are none")
        .each("dispatcher-heartbeat", "duration", duration, "Dispatcher heartbeat period: there is one node")
        .each("external-ca", "external-ca", noted, "Specifications of certificate signing endpoints: none are asked")
        .each("max-snapshots", "uint", number, "Number of additional Raft snapshots to retain: there are none")
        .each("snapshot-interval", "uint", number, "Number of log entries between Raft snapshots: there are none")
        .each("task-history-limit", "int", history_flag(history), history_help)
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    if (!any && !autolock && !history) {
        std::fputs(options.help().c_str(), stdout);
        return 0;
    }
    Context context(globals);
    swarm::node(context.engine(), "self");
    if (short_lived)
        throw error(Errc::invalid_project,
                    "rpc error: code = InvalidArgument desc = minimum certificate expiry time is: 1h0m0s");
    if (autolock.value_or(false))
        throw error(Errc::unsupported, "davit's swarm has no managers to lock").with_hint(on_several_machines);
    if (history && !context.dry_run()) {
        swarm::set_task_history(context.engine(), *history);
        Swarm(context.engine_options()).node_changed();
    }
    std::printf("Swarm updated.\n");
    return 0;
}

Error has_none(const char* what) {
    return error(Errc::unsupported, "davit's swarm of one node has no {}", what).with_hint(on_several_machines);
}

int swarm_ca(Globals& globals, const Args& args) {
    bool rotate = false;
    std::string for_rotation; // the flag that asks for it
    std::vector<std::string> none;
    Options options(globals, "swarm ca [OPTIONS]", "Display and rotate the root CA (davit's nodes need none)");
    for (const char* flag : {"ca-cert", "ca-key", "cert-expiry", "external-ca"})
        options.each(
            flag, "string", [&for_rotation, flag](const std::string&) { for_rotation = flag; },
            "Of a new root CA: there is none");
    options.flag("rotate", rotate, "Rotate the swarm CA: there is none");
    options.ignored("d,detach").ignored("q,quiet").arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    if (!rotate && !for_rotation.empty())
        throw error(Errc::usage, "`--{}` flag requires the `--rotate` flag to update the CA", for_rotation);
    Context context(globals);
    swarm::node(context.engine(), "self");
    throw has_none("certificate authority");
}

int swarm_unlock_key(Globals& globals, const Args& args) {
    std::vector<std::string> none;
    Options options(globals, "swarm unlock-key [OPTIONS]", "Manage the unlock key (there is none)");
    bool rotate = false;
    options.ignored("q,quiet").flag("rotate", rotate, "Rotate unlock key: there is none").arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    swarm::node(context.engine(), "self");
    if (rotate) throw error(Errc::usage, "cannot rotate because autolock is not turned on");
    throw error(Errc::usage, "no unlock key is set").with_hint(on_several_machines);
}

int swarm_unlock(Globals& globals, const Args& args) {
    std::vector<std::string> none;
    Options options(globals, "swarm unlock", "Unlock swarm (it never is locked)");
    options.arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    if (!swarm::node(context.engine())) throw error(Errc::unavailable, "This node is not part of a swarm");
    throw error(Errc::usage, "{}swarm is not locked", docker_is_spoken() ? "error: " : "");
}

int swarm_leave(Globals& globals, const Args& args) {
    bool force = false;
    std::vector<std::string> none;
    Options options(globals, "swarm leave [OPTIONS]", "Leave the swarm: with all its services, configs and secrets");
    options.flag("f,force", force, "Force this node to leave the swarm, ignoring warnings").arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.mute();
    if (context.dry_run()) return 0;
    if (force && swarm::node(context.engine())) {
        Swarm services(context.engine_options());
        for (const swarm::Service& service : swarm::services(context.engine())) services.remove_service(service.id);
    }
    swarm::leave_swarm(context.engine(), force);
    std::printf("Node left the swarm.\n");
    return 0;
}

} // namespace

int run_swarm(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"ca", "Display and rotate the root CA (davit's nodes need none)", swarm_ca, VerbGroup::hidden},
        {"init", "Make this machine a swarm of one node", swarm_init},
        {"join", "Join a swarm (other machines' are Docker's)", swarm_join},
        {"join-token", "Manage join tokens", swarm_join_token},
        {"leave", "Leave the swarm", swarm_leave},
        {"unlock", "Unlock swarm (it never is locked)", swarm_unlock, VerbGroup::hidden},
        {"unlock-key", "Manage the unlock key (there is none)", swarm_unlock_key, VerbGroup::hidden},
        {"update", "Update the swarm", swarm_update},
    };
    return run_swarm_group(globals, args, "swarm", "Make this machine a swarm of one node", verbs);
}

} // namespace davit::cli
