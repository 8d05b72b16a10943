// The engine: brings projects up and down on this machine.
//
// Every call that changes something takes the project's lock, observes, plans and applies; a second
// one on the same project, from this or another process, waits for the first and then plans anew.
// All of them block until the plan has ended. An Engine may be used from several threads at once.
// Events come from several threads, but never at the same time.
//
// An Engine that was moved from is only destroyed or assigned to, as are the other classes of this library.
//
// Options and results are plain values of the caller's; an Engine keeps no reference to them after a
// call. Times are std::chrono or ns since the epoch, sizes bytes.
//
// Failures are davit::Error. Besides what each call names: denied (not root, not our directory),
// unavailable (the supervisor does not answer), interrupted (stop was requested: what had begun
// is completed, the rest is dropped), conflict (name, port or subnet taken).
#pragma once

#include "davit/boot.hpp"
#include "davit/build.hpp"
#include "davit/container.hpp"
#include "davit/error.hpp"
#include "davit/event.hpp"
#include "davit/exec.hpp"
#include "davit/plan.hpp"
#include "davit/project.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct EngineOptions {
    std::string state_dir; // empty: DAVIT_STATE_DIR or the default of this user
    std::string run_dir;   // empty: DAVIT_RUN_DIR or the default of this user
    // Where davit-supervisor, davit-shim and the modules are, for the whole process. Empty: DAVIT_LIBEXEC, else
    // beside libdavit.so (libexec/davit of the prefix it was installed to).
    std::string libexec_dir;
    EventSink events; // may be empty
    BuildSink builds; // of the builds that up, create, run and scale begin; may be empty
    // Sees what a call would do before anything is pulled or changed; false: nothing is (dry run).
    // What has changed when the call's turn comes is planned anew, without asking again.
    std::function<bool(const Plan&)> approve;
    int parallel = -1; // images pulled at once; -1: unlimited
    // Bytes of the images' file system that stay free whatever is pulled: an image that would not leave so many is
    // refused before any of it is fetched (failed, with os() == ENOSPC). 0: only the last hundredth is kept.
    std::uint64_t keep_free = 0;
    // Arguments of services' builds, where neither the file nor the call says anything of them: proxies, say.
    std::vector<std::pair<std::string, std::optional<std::string>>> build_args;
};

// A project by name, with its compose file's content where there is one: verbs that act on existing
// containers work from the records alone.
struct ProjectRef {
    std::string name;
    const Project* model = nullptr; // must outlive the call
    ProjectRef(std::string project_name) : name(std::move(project_name)) {}
    ProjectRef(const Project& project) : name(project.name), model(&project) {}
};

enum class Recreate { diverged, always, never };
enum class PullMode { by_service, always, missing, never }; // by_service: each service's pull_policy

using Timeout = std::optional<std::chrono::nanoseconds>; // absent: stop_grace_period of each container

struct CreateOptions {
    std::vector<std::string> services; // names or globs; empty: all. Their dependencies come along
    bool no_deps = false;
    Recreate recreate = Recreate::diverged;              // of the named services
    Recreate recreate_dependencies = Recreate::diverged; // of the others
    std::map<std::string, int> scale;                    // wins over the file
    bool renew_anonymous_volumes = false;
    bool rolling = false;          // each container is replaced while it runs: see deploy.update_config.order
    bool recreate_volumes = false; // volumes whose configuration changed: their data is lost
    bool remove_orphans = false;
    bool ignore_orphans = false; // no warning either
    PullMode pull = PullMode::by_service;
    bool quiet_pull = false;
    bool build = false;    // all that can be built is, first
    bool no_build = false; // nothing is
    Timeout timeout;       // for the containers that are stopped
};

struct UpOptions : CreateOptions {
    bool no_start = false;
    bool wait = false;                    // until running, and healthy where there is a healthcheck
    std::chrono::seconds wait_timeout{0}; // 0: no limit
};

struct RollbackOptions {
    int to = 0;        // the number of a revision; 0: see rollback_target()
    bool wait = false; // until running, and healthy where there is a healthcheck
    std::chrono::seconds wait_timeout{0};
    Timeout timeout; // for the containers that are stopped
};

struct RolledBack {
    int to = 0;
    int made = 0; // the revision that stands for it now; 0: what runs is the same already
};

struct PruneRevisionsOptions {
    std::optional<int> keep; // so many of the last ones stay; absent: as many as are kept whole
    bool all = false;        // none stay but the one that is there
};

struct PrunedRevisions {
    std::vector<int> removed;        // numbers
    std::vector<std::string> images; // ids of those without a name that only these revisions needed
    std::uint64_t bytes = 0;
};

enum class RemoveImages { none, local, all };

struct DownOptions {
    std::vector<std::string> services; // empty: all, with networks
    bool volumes = false;              // named (not external) and anonymous ones
    RemoveImages images = RemoveImages::none;
    bool remove_orphans = false;
    bool ignore_orphans = false;
    Timeout timeout;
};

struct StartOptions {
    std::vector<std::string> services;
    bool wait = false;
    std::chrono::seconds wait_timeout{0};
};

struct StopOptions {
    std::vector<std::string> services;
    Timeout timeout;
};

struct RestartOptions {
    std::vector<std::string> services;
    bool no_deps = false;
    Timeout timeout;
};

struct KillOptions {
    std::vector<std::string> services;
    std::string signal = "SIGKILL";
    bool remove_orphans = false;
};

struct RmOptions {
    std::vector<std::string> services;
    bool stop = false;    // stop them first
    bool volumes = false; // anonymous ones
};

struct RunOptions {
    std::string service;
    std::optional<std::vector<std::string>> command; // wins over the service's
    std::optional<std::vector<std::string>> entrypoint;
    std::vector<std::pair<std::string, std::optional<std::string>>> environment; // no value: unset it
    std::vector<std::string> labels;                                             // K=V
    std::vector<Mount> volumes; // replace those with the same target. The source of a named volume
                                // is a key of the project's, else a name: made if there is none
    std::vector<Port> ports;
    bool service_ports = false;
    bool use_aliases = false;
    bool no_deps = false;
    bool remove = false; // --rm: done by the supervisor, whatever becomes of the caller
    std::string name;
    std::optional<std::string> user;
    std::optional<std::string> working_dir;
    std::vector<std::string> cap_add, cap_drop;
    bool tty = false;
    bool open_stdin = false;
    // Hold init until a client has attached (event container_attachable), so that no output is missed.
    bool hold_for_attach = false;
    bool remove_orphans = false;
    bool ignore_orphans = false;
    PullMode pull = PullMode::by_service;
    bool quiet_pull = false;
    bool build = false;
    bool no_build = false;
};

struct PullOptions {
    std::vector<std::string> services;
    bool include_dependencies = false;
    bool ignore_failures = false;
    bool ignore_buildable = false;
    PullMode policy = PullMode::always;
    bool quiet = false;
};

struct PushOptions {
    std::vector<std::string> services;
    bool include_dependencies = false;
    bool ignore_failures = false;
    bool quiet = false;
};

// What the supervisor says of a container that has ended.
struct ExitResult {
    ContainerInfo container;
    int exit_code = 0;
};

// What Engine::build_services() would build, by service; pure. A context that is another service stays "service:NAME".
// Errors: not_found (no such service).
std::vector<std::pair<std::string, BuildRequest>> build_requests(const Project&, const BuildServicesOptions& = {});

class Scope; // davit/scope.hpp
struct ScopeOptions;

class Engine {
public:
    explicit Engine(EngineOptions options = {});
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;
    ~Engine();

    // The directories that it works in, as options and environment gave them.
    const std::string& state_dir() const;
    const std::string& run_dir() const;

    // --- Plans. Nothing on the machine is changed, nothing is pulled; no lock is held.
    // Errors: invalid_project, not_found (service, external network or volume), conflict.
    Plan plan_up(const Project&, const UpOptions& = {});
    Plan plan_down(const ProjectRef&, const DownOptions& = {});

    // --- Whole projects
    // Pulls what is missing, creates, starts. Returns when every init has exec'd (wait: when all are
    // running and healthy). Errors: as plan_up; not_found (image), unavailable (registry), failed
    // (start, unmet depends_on condition, unhealthy; names the container and its last lines).
    void up(const Project&, const UpOptions& = {}, std::stop_token = {});
    void create(const Project&, const CreateOptions& = {}, std::stop_token = {});
    // Stops in reverse dependency order and removes containers, networks and what the options say.
    void down(const ProjectRef&, const DownOptions& = {}, std::stop_token = {});
    void scale(const Project&, const std::map<std::string, int>& replicas, bool no_deps = false, std::stop_token = {});
    // Brings a revision of the project back (davit/revisions.hpp): its model, with the images and contents that it had;
    // services that it lacks go. That is a new revision. Errors: not_found (no such revision; what it needs and this
    // machine lacks, all of it, before anything is changed), else as up.
    RolledBack rollback(const std::string& project, const RollbackOptions& = {}, std::stop_token = {});
    // Forgets revisions, with the contents and nameless images that only they needed. The last one stays as long as the
    // project has containers.
    PrunedRevisions prune_revisions(const std::string& project, const PruneRevisionsOptions& = {},
                                    std::stop_token = {});
    // A one-off container of a service and the service's dependencies; returns when its init runs.
    ContainerInfo run(const Project&, const RunOptions&, std::stop_token = {});
    void pull(const Project&, const PullOptions& = {}, std::stop_token = {});
    // The images, and tags of `build`, of services that are built and named. Errors: as push_image().
    void push(const Project&, const PushOptions& = {}, std::stop_token = {});

    // --- Projects that end with their owner: davit/scope.hpp. The scope has an engine of its own with these options,
    // so this one need not outlive it. Errors: as the constructor of Scope.
    Scope scope(const Project&);
    Scope scope(const Project&, const ScopeOptions&, std::stop_token = {});

    // --- Building
    // An image from a Dockerfile; steps that were done before are taken from the cache. Blocks until it is there.
    // Errors: invalid_project (the Dockerfile, with its place), not_found (context, target, base, a file that COPY
    // names), failed (a step; Error::at() is the instruction), denied (an entitlement, a registry), unavailable,
    // interrupted: nothing of the build runs any more, and finished steps stay in the cache.
    BuildResult build(const BuildRequest&, const BuildSink& = {}, std::stop_token = {});
    // Of services with `build:`, side by side, those whose results others need first. The first failure cancels the
    // rest.
    std::vector<BuiltService> build_services(const Project&, const BuildServicesOptions& = {}, const BuildSink& = {},
                                             std::stop_token = {});

    // --- Existing containers. Errors: not_found (no such service).
    void start(const ProjectRef&, const StartOptions& = {}, std::stop_token = {});
    void stop(const ProjectRef&, const StopOptions& = {}, std::stop_token = {});
    void restart(const ProjectRef&, const RestartOptions& = {}, std::stop_token = {});
    void kill(const ProjectRef&, const KillOptions& = {}, std::stop_token = {});
    void pause(const ProjectRef&, const std::vector<std::string>& services = {}, std::stop_token = {});
    void unpause(const ProjectRef&, const std::vector<std::string>& services = {}, std::stop_token = {});
    // The stopped containers that removable() names; with stop also the running ones.
    void rm(const ProjectRef&, const RmOptions& = {}, std::stop_token = {});
    std::vector<ContainerInfo> removable(const ProjectRef&, const RmOptions& = {});
    // One container by id, whatever it is.
    void remove_container(const std::string& project, const std::string& id, bool force, bool volumes,
                          std::stop_token = {});

    // Runs one more process in a running container, gives it all of input, passes what it writes to sink
    // (called from this thread) and blocks until it has ended. Returns its exit code, 128 + n when signal n
    // killed it. With a terminal, input is what is typed; its end is not told. When stop is requested the
    // process is killed. Errors: unavailable (not running), not_found or denied with Error::exit_code() 127
    // or 126 (the command cannot be executed), usage (no command).
    int exec(const ContainerInfo& container, const ExecOptions& options, std::string_view input = {},
             const ExecSink& sink = {}, std::stop_token = {});

    // Sends a plan of one's own and waits for its end.
    void apply(const Plan&, std::stop_token = {});

    // --- The machine's start and end. Every project is tried, side by side; none waits for another.
    // Starts what should run after a reboot by Docker's rules for restart policies, in the order of the dependencies
    // and when these are healthy. What runs already stays as it is.
    std::vector<ProjectOutcome> boot(const BootOptions& = {}, std::stop_token = {});
    // Stops everything against the dependencies; the next boot() starts it again.
    std::vector<ProjectOutcome> shut_down(const ShutdownOptions& = {}, std::stop_token = {});

    // --- Looking. Never blocks but on the disk; no lock.
    // All containers of the project, one-offs and orphans too, by service and number.
    std::vector<ContainerInfo> containers(const std::string& project);
    std::vector<ContainerInfo> all_containers(); // of all projects
    std::optional<ContainerInfo> container(const std::string& project, const std::string& id_or_name);
    // Its last five healthchecks, the oldest first; empty: none, or it did not run since the machine's start.
    std::vector<HealthCheckResult> health_log(const ContainerInfo& container);
    std::vector<ProjectInfo> projects();
    std::vector<NetworkInfo> networks(const std::string& project = {}); // empty: all
    std::vector<VolumeInfo> volumes(const std::string& project = {});

    // --- Waiting
    // Blocks until each of these containers (ids) has exited; calls ended for each, in that order.
    void wait(const std::string& project, const std::vector<std::string>& ids,
              const std::function<void(const ExitResult&)>& ended, std::stop_token = {});
    // Blocks until the container, which was made with RunOptions::remove and has ended, is gone, but at most
    // `limit`. Whether it is.
    bool wait_removed(const std::string& project, const std::string& id, std::chrono::milliseconds limit,
                      std::stop_token = {});
    // Every event of the project until sink returns false, its supervisor ends or stop is requested.
    void subscribe(const std::string& project, const std::function<bool(const Event&)>& sink, std::stop_token = {});

private:
    friend struct EngineAccess; // the library's own nouns beside it
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
#pragma GCC visibility pop
