// Swarm's objects on one machine: services, their tasks, configs, secrets and the one node. Plain values, as they
// stand in the state directory (lib/swarm/store.hpp). Times are ns since the epoch, 0 = unset; ids have 25
// characters of [0-9a-z].
#pragma once

#include "davit/service_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::swarm {

struct VirtualAddress {
    std::string network_id; // the network record's id
    std::string address;    // with prefix: "10.0.1.2/24"
    bool operator==(const VirtualAddress&) const = default;
};

struct UpdateStatus {
    // updating, paused, completed, rollback_started, rollback_paused, rollback_completed
    std::string state;
    std::int64_t started_at = 0, completed_at = 0;
    std::string message;
    std::int64_t ends_at = 0; // every task has been replaced: complete then, unless one fails before
    bool operator==(const UpdateStatus&) const = default;
};

// A specification that tasks still have although the service's has moved on: what is compared, restarted and
// reserved goes by the task's own.
struct TaskVersion {
    std::uint64_t spec_version = 0, template_version = 0;
    TaskSpec task;
    std::optional<EndpointSpec> endpoint;
    bool operator==(const TaskVersion&) const = default;
};

struct Service {
    int format = 1;
    std::string id;
    std::string project;            // whose supervisor has its tasks: "stack.<name>", or services_project
    std::uint64_t version = 0;      // moves with each change of the object: two updates at once are told apart
    std::uint64_t spec_version = 0; // moves with each change of spec
    std::int64_t created_at = 0, updated_at = 0;
    ServiceSpec spec;
    std::optional<ServiceSpec> previous; // one step back, as Swarm has it
    std::uint64_t previous_spec_version = 0;
    // The prepared containers of spec and previous: services/<id>/templates/<n>. 0: there is none.
    std::uint64_t template_version = 0, previous_template_version = 0;
    std::optional<UpdateStatus> update_status;
    // Of the endpoint: what was given for ports that left it open, and the virtual addresses.
    std::vector<PortConfig> ports;
    std::vector<VirtualAddress> addresses;
    std::uint64_t job_iteration = 0; // jobs: moves with each run that was asked for
    std::int64_t job_started_at = 0;
    std::vector<TaskVersion> kept; // besides spec and previous: of tasks that are still listed
    // The boot in which its first task was let start: depends_on holds no longer.
    std::string begun_in;
    // Set: nobody sees the service any more and its name is free; its last tasks are being stopped.
    std::int64_t removed_at = 0;
    bool operator==(const Service&) const = default;
};
inline constexpr const char* services_project = "swarm.services"; // of all that no stack has; no compose name has a dot
inline constexpr const char* stack_project_prefix = "stack.";
inline constexpr const char* service_history_prefix = "service."; // of the histories of services that no stack has

// In Swarm's order: a task's state only ever grows.
enum class TaskState {
    new_ = 0,
    pending = 64,
    assigned = 192,
    accepted = 256,
    preparing = 320,
    ready = 384,
    starting = 448,
    running = 512,
    complete = 576,
    shutdown = 640,
    failed = 704,
    rejected = 768,
    remove = 800,
    orphaned = 832,
};
const char* to_string(TaskState state); // "new", "running" …

struct Task {
    int format = 1;
    std::string id;
    std::string service_id;
    std::uint64_t slot = 0;         // 0: of a global service
    std::uint64_t spec_version = 0; // of the service's spec that it is made from
    std::uint64_t template_version = 0;
    std::uint64_t job_iteration = 0;
    std::string image; // as `ps` shows it
    std::int64_t created_at = 0;
    std::int64_t updated_at = 0;
    TaskState desired = TaskState::running; // ready, running, complete (jobs), shutdown, remove
    TaskState state = TaskState::new_;
    std::int64_t state_since = 0;
    std::string message; // "started", "no suitable node (…)"
    std::string error;   // "task: non-zero exit (1)", "starting container failed: …"
    int exit_code = 0;
    std::string container_id;     // empty: it never came to one
    std::int64_t start_after = 0; // a restart's delay: it is not started before
    std::string node_id;          // empty while nobody has it
    std::int64_t running_at = 0;  // when it came to running; 0: never
    std::uint64_t restarts = 0;   // of this slot with this spec_version, up to this task
    bool by_update = false;       // made by a rolling update in place of another
    bool operator==(const Task&) const = default;
};

enum class FileKind { config, secret };
constexpr const char* to_string(FileKind kind) { return kind == FileKind::config ? "config" : "secret"; }

struct ConfigSpec { // and SecretSpec
    std::string name;
    Labels labels;
    std::string data;            // bytes; secrets: never shown
    std::string template_driver; // "golang" or nothing
    std::string driver;          // secrets: of an external store
    bool operator==(const ConfigSpec&) const = default;
};
struct Config { // and Secret
    int format = 1;
    std::string id;
    std::uint64_t version = 0;
    std::int64_t created_at = 0, updated_at = 0;
    ConfigSpec spec;
    bool operator==(const Config&) const = default;
};

struct Node {
    int format = 1;
    std::string id;
    std::uint64_t version = 0;
    std::int64_t created_at = 0, updated_at = 0;
    Labels labels;
    std::string name, role = "manager", availability = "active";
    // `swarm init` said so: it stays without objects until `leave --force`.
    bool asked_for = false;
    std::string cluster_id, worker_token, manager_token;
    bool operator==(const Node&) const = default;
};

} // namespace davit::swarm
