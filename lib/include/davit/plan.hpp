// A plan: a DAG of atomic operations, each with its cause. It is what `davit plan` and --dry-run
// print, what the supervisor executes, and the oracle of the tests. Value types; thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

enum class OpKind {
    pull_image,      // client
    build_image,     // client
    push_image,      // client
    stage_container, // client: writes record, bundle and steps into staging/<id>
    create_network,  // supervisor, as all below
    remove_network,
    create_volume,
    remove_volume,
    create_container, // takes over staging/<id>
    start_container,
    stop_container,
    restart_container,
    kill_container,
    pause_container,
    unpause_container,
    remove_container,
    rename_container,
    update_container,
    connect_network, // a container gets an interface on a network, or loses it
    disconnect_network,
    hand_over_container, // what is published for `replaces` goes to this one: ports, names
    wait_container,      // gate: until the containers meet the condition
};

enum class WaitCondition {
    started, // has run for half a second (`up --wait` without healthcheck; depends_on needs only `after` the start)
    healthy,
    completed_successfully, // exited with 0 and not about to be restarted
    exited,
};

// How a container is attached to one more network (`docker network connect`).
struct ConnectOptions {
    std::vector<std::string> aliases;
    std::vector<std::string> links; // "NAME" or "NAME:ALIAS": other containers, by names that only this one sees
    std::vector<std::string> link_local_ips;
    std::string ipv4, ipv6, mac; // empty: any
    std::map<std::string, std::string> driver_opts;
    int gw_priority = 0; // default gateway: highest wins
    bool operator==(const ConnectOptions&) const = default;
};

struct Operation {
    int id = 0; // from 1, in the order of printing
    OpKind kind{};
    std::string resource;   // "service:web:1", "network:default", "volume:data", "image:nginx:1.22"
    std::string cause;      // "no existing container", "configuration changed: image", "orphan" …
    std::vector<int> after; // ids of the operations that must have succeeded

    std::string container_id; // container operations
    std::string container_name;
    std::string network;                    // full name
    std::string volume;                     // full name
    std::string image;                      // reference
    std::string signal;                     // kill; stop: overrides the record's
    std::optional<std::int64_t> timeout_ns; // stop, restart: grace; absent: the record's. wait: limit; absent: none
    bool remove_volumes = false;            // remove: its anonymous volumes too
    bool force = false;                     // remove: kill first
    bool skip_hooks = false;                // stop, restart: without pre_stop (no compose file says so)
    bool hold_for_attach = false;           // start: init waits until a client has attached (run, up --attach)
    WaitCondition condition = WaitCondition::started;
    std::vector<std::string> wait_for;      // container ids
    bool required = true;                   // wait: false lets the plan go on with a warning
    std::string new_name;                   // rename
    std::string replaces;                   // hand_over: id of the container that had it all
    std::optional<std::int64_t> settle_ns;  // wait for started: it has run that long; absent: half a second
    std::optional<ConnectOptions> endpoint; // connect
    std::string staged;                     // update: the entry of staging/ with what changes of the container's files
    std::string restart;                    // update: the restart policy then; empty: as it is
    std::string limited_by;                 // wait: what `timeout_ns` is called; empty: --wait-timeout

    bool operator==(const Operation&) const = default;
};

struct Plan {
    std::string project;
    // Intent generations the plan was made from, by container id: a stale plan is refused.
    std::map<std::string, std::int64_t> seen;
    // All containers that the project had then: where it has another one by now, the plan is stale too.
    // Absent: a plan that does not care.
    std::optional<std::set<std::string>> known{};
    std::vector<Operation> operations;
    // The machine goes down: what this stops is meant to run on in the next boot.
    bool shutdown = false;
    // It is about single containers: it waits for other plans of the project only as far as these have something to do
    // with them, and they for it.
    bool beside = false;

    bool empty() const { return operations.empty(); }
    bool operator==(const Plan&) const = default;
};

// "[1] -> #2 service:web:1, create container: no existing container", one line each.
std::string to_text(const Plan& plan);
// What it comes to, one line for each container, network, volume and image:
// web-1: recreate: environment MODE "dev" → "staging"
std::string to_summary(const Plan& plan);
std::string to_json(const Plan& plan);
Plan plan_from_json(const std::string& text);
const char* to_string(OpKind kind);

} // namespace davit
#pragma GCC visibility pop
