// What the parts of Engine share. engine_up.cpp, engine_run.cpp, engine_verbs.cpp, engine_look.cpp,
// engine_pull.cpp hold its methods by theme.
#pragma once

#include "davit/engine.hpp"

#include "base/file.hpp"
#include "container/container.hpp"
#include "engine/providers.hpp"
#include "engine/revisions/revising.hpp"
#include "image/store.hpp"
#include "project/store.hpp"
#include "reconcile/lifecycle.hpp"
#include "reconcile/observed.hpp"
#include "reconcile/reconcile.hpp"
#include "supervisor/client/protocol.hpp"

#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace davit {

struct ListedContainer;

// An image that is to be fetched.
struct ImagePull {
    std::string reference;
    std::string service;
    std::string platform;
    bool build = false; // the service says how to make it
};

// What a command says of the images that it needs.
struct ImageWishes {
    PullMode pull = PullMode::by_service;
    bool quiet = false, build = false, no_build = false;
};

struct Engine::Impl {
    explicit Impl(EngineOptions with);

    EngineOptions config;
    RecordStore store;
    std::shared_ptr<std::mutex> events_mutex = std::make_shared<std::mutex>();

    // The store of this engine; made when it is first asked for. It remembers what it has read.
    image::Store& images();

    // --- events
    void emit(const Event& event);
    void warn(const std::string& project, const std::string& text);
    EventSink sink();

    // --- engine_up.cpp
    // The project's lock, waited for, and with it the end of a plan whose client was killed. Throws interrupted.
    FileLock lock(const std::string& project, std::stop_token stop);
    // A lock of a file that its last holder removes. what: for warnings and errors, "project shop".
    FileLock wait_for(const std::string& file, const std::string& what, const std::string& project,
                      std::stop_token stop);
    // Before anything is fetched for them. Errors: denied (not root).
    static void check_user_of_containers();
    // The number of the revision that was made; 0: nothing had to be changed, or none is wanted.
    int up(const Project& project, const UpOptions& options, bool start, const Revising& revising,
           std::stop_token stop);
    // Observes, completes the wishes and plans; the caller holds the lock, or does not act.
    struct Planned {
        ObservedState observed;
        Wanted wanted;
        Reconciled result;
        ImagePins pins;
        std::map<std::string, std::string> digests; // image id → a name with the registry's digest
    };
    Planned plan(const Project& project, ReconcileOptions options, const std::optional<ImagePins>& pins = {});
    // Stages what the plan makes and has the supervisor carry out the rest.
    // supervisor: when it was started before the plan was made. staged: nothing is done yet, and all is ready.
    using Supervisor = std::future<SupervisorClient>;
    using Staged = std::function<void(const std::vector<BuiltContainer>&)>;
    std::vector<ContainerRecord> apply(const Project& project, Planned& planned, std::stop_token stop,
                                       Supervisor supervisor = {}, const Staged& staged = {});
    void apply_rolling(const Project& project, Planned& planned, std::stop_token stop, Supervisor supervisor,
                       const Staged& staged);
    std::string remember(const Project& project); // the model, as render() has it
    void tell_running(const Project& project, const Planned& planned);
    // engine_send.cpp
    Supervisor start_supervisor(const std::string& project, bool needed);
    // started: from start_supervisor().
    void send(Plan plan, std::stop_token stop, Supervisor started = {}, const EventSink& also = {});
    // What an earlier boot has left of the containers that the plan starts is made fit for this one. model: whose
    // environment has their secrets; may be null.
    void prepare_starts(const Plan& plan, const Project* model);
    // Gives what failed in the supervisor the place in the file that it is about.
    void put_at(Error& error, const Event& failed, const Project& project,
                const std::vector<BuiltContainer>& built) const;
    // Whether the program that embeds the engine agrees; it is asked once a call.
    bool approved(const Plan& plan) const { return !config.approve || config.approve(plan); }
    BuiltContainer build(const Project& project, const Planned& planned, const NewContainer& made,
                         const HostValues& host, class MachineSurroundings& around);

    // --- engine_verbs.cpp
    // Plans anew when containers have changed between planning and applying (a restart policy, `run --rm`).
    template <typename F>
    void until_fresh(F&& plan_and_send);
    // Whether what another client's plan has not begun is dropped; and what that plan is stopping is not
    // waited for longer than this one would.
    enum class Precedence { none, cancels, hurries };
    // make: Scene → Plan. Whether it was approved.
    template <typename Make>
    bool act(const ProjectRef& project, Precedence precedence, Make&& make, std::stop_token stop);
    void cancel_others(const std::string& project, const Plan& hurried, std::stop_token stop);
    void forget_if_empty(const std::string& project);
    void remove_images(const ProjectRef& project, const std::vector<std::string>& references, RemoveImages which);
    bool is_custom(const ProjectRef& project, const std::string& reference) const;
    std::vector<std::string> users_of(const std::string& image_id) const;

    // --- engine_pull.cpp
    void pull_all(const Project& project, const std::vector<ImagePull>& pulls, bool quiet, bool ignore_failures,
                  std::stop_token stop);
    // Fetches what the services need and the policies ask for, and holds all of it against `image prune` until the
    // records of containers do.
    image::Hold provide_images(const Project& project, const std::vector<const Service*>& services,
                               const ImageWishes& wishes, std::stop_token stop);
    void ensure_images(const Project& project, const std::vector<const Service*>& services, const ImageWishes& wishes,
                       std::stop_token stop);
    // engine_build.cpp. sink may be empty.
    std::vector<BuiltService> build_all(const Project& project, const std::vector<std::string>& services,
                                        const struct BuildWishes& wishes, const BuildSink& sink, std::stop_token stop);
    void pull_one(image::Store& images, const std::string& project, const ImagePull& pull, bool quiet,
                  std::stop_token stop);

    // --- engine_provide.cpp
    // Has a provider do "up", "stop" or "down", and tells of it.
    std::map<std::string, std::string> provide(const Project& project, const Service& service,
                                               const std::string& command, std::stop_token stop);
    // "up" of each; the services that depend on them get their variables.
    void provide_all(Project& project, const std::vector<Provided>& providers, std::stop_token stop);
    // "stop" and "down" of what the model's services are provided by, those that need others first.
    void withdraw(const ProjectRef& project, const std::vector<std::string>& services, const std::string& command,
                  std::stop_token stop);

    // --- revisions/
    std::vector<RevisionImage> images_of(const Project& project, const Planned& planned,
                                         const std::vector<BuiltContainer>& built) const;
    // untouched: services that this command was not about.
    void record(RevisionInTheMaking& making, const Revising& revising, const Project& project,
                const std::set<std::string>& untouched, const std::string& model, const Planned& planned,
                const std::vector<BuiltContainer>& built);
    image::Hold hold_pinned(const ImagePins& pins) const;
    // --- engine_boot.cpp
    void boot(ProjectOutcome& outcome, const BootOptions& options, std::stop_token stop);
    void shut_down(ProjectOutcome& outcome, const ShutdownOptions& options, std::stop_token stop);

    // --- engine_look.cpp
    ListedContainer listed(const std::string& project, const std::string& id) const; // without one: no id
    ContainerInfo info(const ContainerRecord& record, const ContainerStatus& status) const;

private:
    std::mutex images_mutex_;
    std::optional<image::Store> images_;
};

// For what the library does with an engine outside of its class.
struct EngineAccess {
    using Impl = Engine::Impl;
    static Impl& of(Engine& engine) { return *engine.impl_; }
};

template <typename F>
void Engine::Impl::until_fresh(F&& plan_and_send) {
    for (int attempt = 1;; ++attempt) try {
            return plan_and_send();
        } catch (const StalePlan&) {
            if (attempt == 5) throw;
        }
}

// What this machine gives to every container that is built now.
HostValues host_values(const RecordStore& store);
// Throws not_found for a service in options.scale that the project lacks.
ReconcileOptions reconcile_options(const Project& project, const UpOptions& options, bool start);
// Enabled, selected, and without the networks and volumes that nobody left uses.
Project selected(const Project& project, const std::vector<std::string>& services, bool no_deps);

} // namespace davit
