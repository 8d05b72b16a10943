// Services, as Swarm has them, acted on: created, updated, taken back, removed; and the networks of stacks. Looking at
// them is davit/swarm_look.hpp's; what they are, davit/swarm.hpp's.
//
// A service belongs to a project ("stack.<name>", or services_project): its supervisor makes the tasks, and goes on
// after every call here has returned. Calls block on the disk, on registries and on the supervisor's acknowledgement,
// never on tasks (wait_converged() does). Several threads may call at once; of two updates at once one is refused
// (conflict).
//
// Failures are davit::Error with the engine's text ("service x not found"), without a daemon's prefix.
#pragma once

#include "davit/engine.hpp"
#include "davit/swarm.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// Swarm's network on one machine: a bridge of this machine.
struct SwarmNetwork {
    std::string name;               // as it is on the machine: "votes_default"
    std::string driver = "overlay"; // overlay, or bridge and others that are asked for by name
    std::map<std::string, std::string> driver_opts;
    swarm::Labels labels;
    bool internal = false, attachable = false, enable_ipv6 = false;
    struct Pool {
        std::string subnet, ip_range, gateway;
        std::map<std::string, std::string> aux_addresses;
    };
    std::vector<Pool> pools; // empty: from the machine's
};

struct CreatedService {
    std::string id;
    std::vector<std::string> warnings; // "image x could not be accessed …"
};

// How the image of a service comes to its digest ("--resolve-image", "--no-resolve-image").
enum class ResolveImage { always, changed, never };

struct ServiceOptions {
    ResolveImage resolve_image = ResolveImage::always;
    bool quiet_pull = false;
    std::string command; // what the history calls it: "service scale"
};

struct ServiceUpdateOptions : ServiceOptions {
    // To the previous specification, whatever `spec` says: `service rollback`, `update --rollback`.
    bool rollback = false;
    // `spec` is this revision's: tasks are replaced by rollback_config, and a failure pauses.
    int to_revision = 0;
};

// What is seen while a service comes to what it should be; one for each change.
struct ConvergeProgress {
    swarm::Service service;
    std::vector<swarm::Task> tasks; // of each slot the one that counts, by slot; global: one
    std::uint64_t wanted = 0;       // tasks, or completions of a job
    std::uint64_t running = 0;      // of the specification that is wanted; of a job: completed
    bool rolling_back = false;
    // All run, and are watched for this long still: absent while not all run.
    std::optional<std::chrono::nanoseconds> verify_left;
    bool converged = false; // the last one
};

// Everything a stack has, by name; what `stack rm` removes and prune compares.
struct StackContents {
    std::vector<swarm::Service> services;
    std::vector<NetworkInfo> networks;
    std::vector<swarm::Config> configs, secrets; // without their data
    bool empty() const { return services.empty() && networks.empty() && configs.empty() && secrets.empty(); }
};

class Swarm {
public:
    // Its event sink gets pulls and warnings, among them the one line of the first object that sets up Swarm's state.
    explicit Swarm(EngineOptions options = {});
    Swarm(Swarm&&) noexcept;
    Swarm& operator=(Swarm&&) noexcept;
    ~Swarm();

    // --- Services
    // project: swarm::services_project, or "stack.<name>". An image that cannot be had is a warning: its tasks are
    // rejected. Errors: conflict ("name conflicts with an existing object: service x already exists", "port '80' is
    // already in use by service …"), not_found (network, config, secret), invalid_project (a value; a template).
    CreatedService create_service(const swarm::ServiceSpec& spec, const std::string& project,
                                  const ServiceOptions& = {}, std::stop_token = {});
    // seen: as it was when `spec` was made from it; conflict ("update out of sequence") when another specification has
    // been set since. Warnings are returned. Errors: as create_service; not_found; invalid_project (name or mode
    // changed: "renaming services is not supported", "service mode change is not allowed"); failed (rollback: "… does
    // not have a previous spec").
    std::vector<std::string> update_service(const swarm::Service& seen, const swarm::ServiceSpec& spec,
                                            const ServiceUpdateOptions& = {}, std::stop_token = {});
    // It is in no listing any more when this returns; its tasks end with their grace, and then their containers go.
    // The history of one that no stack has goes with it. with_stack: all of its stack goes, which leaves no revision.
    void remove_service(const std::string& id, bool with_stack = false);

    // Blocks until what was asked for is there and has stayed for the monitor time (jobs: completed; one-shot tasks
    // that have completed count). progress may be empty. Errors: failed ("service update paused: …", "service rolled
    // back: …", "service rollback paused: …"), not_found (removed meanwhile), interrupted.
    void wait_converged(const std::string& service_id, const std::function<void(const ConvergeProgress&)>& progress,
                        std::stop_token = {});
    // Every change of the project's services and tasks (and its containers' events) until sink returns false, the
    // project has nothing left, or stop is requested.
    void subscribe(const std::string& project, const std::function<bool(const Event&)>& sink, std::stop_token = {});

    // --- Networks
    // Made at once. Whether it had to be made. Errors: conflict (the name or subnet is taken by something else).
    bool ensure_network(const SwarmNetwork& network, const std::string& project);
    // `network create`: nobody's but the machine's; overlay ones are Swarm's. Its id. Errors: as above, and conflict
    // ("network with name x already exists").
    std::string create_network(const SwarmNetwork& network);
    // Goes when the last task that is attached has ended. Errors: not_found, conflict (a service that stays uses it:
    // "rpc error: … network x is in use by service y").
    void remove_network(const std::string& name);

    // --- The machine as Swarm's node
    // After labels or availability of the node record have been written: every supervisor looks at its tasks again.
    void node_changed();

    // --- History: each call above that changes something makes a revision of the stack that the service is in, or of
    // the service where no stack has it. davit/revisions.hpp shows them, by the name of their owner.
    static std::string history_of(const swarm::Service& service);
    static std::string history_of_stack(const std::string& name);
    // All that follows for this owner is one revision, until end_revision(). intended: what will be sent; a client that
    // is killed leaves it as one that has not come about. The number; 0: nothing has changed.
    void begin_revision(const std::string& owner, const std::string& command,
                        const std::vector<swarm::ServiceSpec>& intended = {});
    int end_revision(const std::string& failure = {});
    void forget_history(const std::string& owner);
    // One service, or all of a stack, back to a revision (0: as rollback_target()), which says beforehand what this
    // machine lacks for it: not_found. Images are those of then, whatever their names mean by now; configs and secrets
    // of the stack's own that are gone are made again. progress: a line for each thing that is done.
    RolledBack rollback_service(const swarm::Service& seen, int to, std::stop_token = {});
    RolledBack rollback_stack(const std::string& name, int to,
                              const std::function<void(const std::string& line)>& progress, std::stop_token = {});

    // --- Stacks
    StackContents stack(const std::string& name) const; // the bare name

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
#pragma GCC visibility pop
