// Swarm's orchestration of the services of one project, pure: records and reports in, actions out. It knows no
// clock, file or process; the supervisor performs the actions in their order and reports what became of tasks.
//
// Rules as Swarm has them (docs/stacks.md): replicated and global services, jobs, restart policies, rolling updates
// and roll-backs, what keeps a task pending, the history of a slot.
#pragma once

#include "davit/swarm.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::swarm {

struct Action {
    enum class Kind {
        save_service, // service(service_id) is to be written; all saves of an advance() come before its other actions
        save_task,    // task(task_id) likewise
        remove_task,  // record, container and log go; a container that still runs is stopped first
        prepare,      // make the container of the task's template_version → preparing, ready, rejected
        start,        // → starting, running (a checked one: when it is healthy), failed, complete
        stop,         // no new connections, signal, grace → shutdown (or failed, complete: it was faster)
        end_service,  // removed, and nothing of it is left: the directory may go
    };
    Kind kind{};
    std::string service_id, task_id;
    bool operator==(const Action&) const = default;
};

// What happened to a task. Reports that do not move it on (states only grow) change nothing.
struct Report {
    TaskState state{};
    std::string message; // empty: the usual one of the state ("preparing", "started", …)
    std::string error;   // empty, failed and an exit code: "task: non-zero exit (N)"
    int exit_code = 0;
    std::string container_id;
};

// The one node, as the scheduler sees it.
struct NodeFacts {
    Node node;
    std::string hostname, os = "linux", architecture = "x86_64";
    std::string address; // node.ip
    std::string boot;    // which one it is: after another, services start in their order again
    Labels engine_labels;
    std::int64_t nano_cpus = 0, memory = 0; // all there is
};
// What tasks of other projects have, asked when something is placed.
struct Taken {
    std::int64_t nano_cpus = 0, memory = 0;
    std::vector<PortConfig> host_ports;
};

class Orchestrator {
public:
    struct Host {
        std::function<NodeFacts()> node;
        std::function<Taken()> taken_elsewhere; // may be empty
        std::function<std::string()> new_id;
        std::function<std::int64_t()> history_limit; // tasks that a slot keeps; empty: 5
    };
    explicit Orchestrator(Host host);
    ~Orchestrator();

    // What the records say, when a supervisor begins. An update that was under way goes on.
    void load(Service service, std::vector<Task> tasks);
    // A service that is new, or whose record a client has changed: spec, previous, versions. A change of the task's
    // or endpoint's specification, or of force_update, begins an update; one under way is superseded.
    void set(Service service, std::int64_t now);
    void remove(const std::string& service_id, std::int64_t now);
    // The node's labels or availability or the swarm's history limit changed, or something of another project has gone:
    // pending tasks are looked at again, and those that the node may not have any more are taken from it.
    void node_changed(std::int64_t now);
    // A container whose readiness for connections changed (healthy, unhealthy) is the supervisor's business;
    // here only what states are.
    void report(const std::string& task_id, const Report& report, std::int64_t now);

    // What is to be done now. Called after each of the above, and at next_time().
    std::vector<Action> advance(std::int64_t now);
    // When advance() has something to do although nothing happens; 0: never.
    std::int64_t next_time() const;

    const Service* service(const std::string& id) const;
    const Task* task(const std::string& id) const;
    std::vector<const Service*> services() const;
    std::vector<const Task*> tasks(const std::string& service_id) const;
    // The template versions that a task may yet be made from; the others may go.
    std::set<std::uint64_t> templates(const std::string& service_id) const;
    // No task runs or ever will without a client's word: a supervisor may end.
    bool idle() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit::swarm
