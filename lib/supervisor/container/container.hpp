// One container: its process through a shim, restarts, health, hooks, stop with grace. All in the loop.
#pragma once

#include "base/event_loop.hpp"
#include "davit/error.hpp"
#include "project/record.hpp"
#include "runtime/shim_client.hpp"
#include "supervisor/container/exec_job.hpp"
#include "supervisor/policy/health.hpp"
#include "supervisor/policy/life_cycle.hpp"
#include "supervisor/policy/restart_policy.hpp"
#include "supervisor/world.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::supervisor {

struct StopRequest {
    std::string signal;                              // empty: the record's
    std::optional<std::chrono::nanoseconds> grace{}; // absent: the record's; negative: no SIGKILL ever
    bool run_hooks = true;
    bool keep_desired = false; // a restart: it is meant to run
};

class Container : public std::enable_shared_from_this<Container> {
public:
    // Called once, with nullptr for success. Never from inside the call that takes it.
    using Done = std::function<void(const Error* error)>;

    Container(World& world, ContainerRecord record, ContainerStatus status);
    ~Container();

    const ContainerRecord& record() const { return record_; }
    const ContainerStatus& status() const { return status_; }
    bool running() const { return status_.state == ContainerState::running || status_.state == ContainerState::paused; }
    // It has a process, is about to get one, or its shim has not ended yet.
    bool active() const { return run_ != nullptr || static_cast<bool>(restart_timer_); }
    bool checked() const { return HealthMonitor::configured(record_); }
    // Since its start, by the clock that nobody sets.
    std::chrono::nanoseconds age() const { return std::chrono::steady_clock::now() - began_; }

    // Done: init has exec'd, its ports are open and its post_start hooks have succeeded.
    void start(bool hold_for_attach, Done done);
    // Done: it has ended and left nothing in the kernel.
    void stop(const StopRequest& request, Done done);
    // Whoever stops it is more patient than somebody else: SIGKILL after limit at the latest.
    void hurry(std::chrono::nanoseconds limit);
    void restart(const StopRequest& request, Done done);
    // SIGKILL: as stop without grace and hooks; other signals: done when sent.
    void kill(const std::string& signal, Done done);
    void pause(Done done);
    void unpause(Done done);
    // live.cpp
    void rename(const std::string& name);
    // staged: the entry of staging/ with what changes; restart: "on-failure:3" …, empty: as it is.
    void update(const std::string& staged, const std::string& restart, Done done);
    // Running or not; what an earlier supervisor has done already is fine.
    void connect(const EndpointRecord& wish, Done done);
    void disconnect(const std::string& network, Done done);
    // Its ports and names are those of its lease now.
    void took_over();
    void handed_over();
    // Ends it (force) or refuses; then it may be destroyed and its files removed.
    void prepare_removal(bool force, Done done);
    // Its removal failed: it is there as before.
    void removal_failed();
    // A start that waits for its client to attach, or has not come that far, ends: nobody will.
    void abandon_start(const std::string& why);
    // Tells again that it waits to be attached to: a client that lost its supervisor has not heard it.
    void tell_held();
    // Ports of its services have come or gone: copies of what holds them are kept in its shim.
    void park_ports();
    // Record and status that a full disk refused: again, from time to time and before the supervisor ends.
    void pay_owed();

    // After a restart of the supervisor: finds its shim, or what became of it.
    void adopt();
    // What its status says is of a boot before this one, and it has not begun in this one.
    bool from_earlier_boot() const { return earlier_boot_; }
    void of_earlier_boot() { earlier_boot_ = true; }

private:
    // From the decision to start until the shim has ended.
    struct Run {
        bool hold = false; // until its client has attached
        bool held = false; // and it is that far
        bool by_policy = false;
        bool launched = false; // a shim was spawned
        bool stopping = false;
        bool stop_asked = false; // by stop, not by kill or removal
        int connects = 0;        // that found a link of the last run
        std::string abandoned;   // why a start goes no further
        UniqueFd netns;
        std::optional<runtime::ShimConnection> shim;
        EventLoop::Watch connect_timer, shim_watch, shim_retry, kill_timer, stuck_timer, answer_timer;
        std::optional<std::chrono::steady_clock::time_point> kill_at; // when kill_timer fires
        runtime::StdioFds stdio;
        std::optional<runtime::Exited> exited;
        std::optional<Error> failed; // it never ran
        std::map<std::uint32_t, std::function<void(int errnum)>> replies;
        std::map<std::uint32_t, std::unique_ptr<ExecJob>> execs;
        std::vector<std::vector<UniqueFd>> parked; // by an earlier supervisor; DNS first
        bool parked_dns = false;
        bool adopted = false; // network and names are served again
    };

    template <typename F>
    auto guarded(F fn) { // the container may be gone when it is called
        return [weak = weak_from_this(), fn = std::move(fn)](auto&&... args) {
            if (auto self = weak.lock()) fn(std::forward<decltype(args)>(args)...);
        };
    }

    // container.cpp
    LifeView life() const;
    void save();
    void set_state(ContainerState state);
    void write_record(ContainerRecord next);
    void set_desired(DesiredState desired);
    void owe_later();
    void emit(EventKind kind, std::string text = {}, int exit_code = 0);
    Error reply_error(int errnum, const char* what) const;
    void answer(std::vector<Done>& waiters, const Error* error);
    void on_shim_readable();
    void handle(runtime::Started& e);
    void handle(runtime::Held& e);
    void handle(runtime::StartFailed& e);
    void handle(runtime::Warning& e);
    void handle(runtime::Exited& e);
    void handle(runtime::OomEvent& e);
    void handle(runtime::LogTruncated& e);
    void handle(runtime::StdioFds& e);
    void handle(runtime::ExecStarted&) {}
    void handle(runtime::ExecFailed& e);
    void handle(runtime::ExecExited& e);
    void handle(runtime::Output&) {}
    void handle(runtime::Reply& e);
    void handle(runtime::ShimStatus& e);
    void handle(runtime::ParkedFds& e);
    void handle(runtime::Disconnected&);

    // start.cpp
    void begin_run(bool hold, bool by_policy);
    void connected(const Error* error, const NetworkLease* lease);
    bool connect_later(const Error& e);
    void launch();
    pid_t peer(const std::string& id, const char* shared) const;
    UniqueFd make_netns(const NetworkLease* lease);
    void write_files(const struct Wiring& wiring);
    runtime::ShimStart shim_start() const;
    void spawn_shim();
    void attach_shim(runtime::ShimConnection connection);
    void park_descriptors();
    void park();
    void started();
    void finish_start(const Error* error);
    void start_failed(Error error);

    // live.cpp
    void take_over_update(const std::string& staged, const std::string& restart);
    std::optional<Error> starting() const;
    void plug(const ContainerRecord& next, const std::string& network);
    void rewire(const struct Wiring& before, const struct Wiring& after);
    void recorded_network(EventKind kind, const std::string& network);
    void finish_connect(const EndpointRecord& wish, std::vector<Done> waiter);
    void undo_connect(const std::string& network);

    // stop.cpp
    void send_stop(const StopRequest& request);
    void send_kill();
    void kill_after(std::chrono::nanoseconds grace);
    void expect_answer();
    void cancel_restart();
    void end_run();
    void answer_stop(bool had_ports);
    void leave_kernel();
    void keep_last_run();
    void told_exit(std::chrono::nanoseconds ran_for);
    void schedule_restart(std::chrono::nanoseconds delay);
    int stop_signal(const std::string& wanted) const;

    // exec.cpp
    void run_hooks(bool post_start, std::size_t n, Done done);
    void start_health(bool resume);
    void stop_health();
    void check_health();
    void note(const std::vector<JournalLine>& lines);
    void health_result(ExecJob::Result result, std::int64_t began, std::int64_t at);
    ExecJob* exec(const std::string& steps, std::chrono::nanoseconds timeout, std::size_t output_limit,
                  ExecJob::Done done);

    // adopt.cpp
    void adopt_running();
    void lease_again();
    void adopt_wiring();
    void find_shim();
    void find_shim_in(std::chrono::milliseconds pause);
    void clear_group(int attempts);
    bool connect_shim();
    void shim_lost();
    void replace_shim();

    World& world_;
    ContainerRecord record_;
    ContainerStatus status_;
    RestartPolicy policy_;
    std::unique_ptr<Run> run_;
    std::unique_ptr<HealthMonitor> health_;
    EventLoop::Watch restart_timer_, health_timer_;
    bool earlier_boot_ = false;
    bool record_owed_ = false; // the disk did not take it; the generation is still the disk's
    bool status_owed_ = false;
    EventLoop::Watch owed_timer_;
    std::vector<Done> start_waiters_, stop_waiters_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now(); // its run
};

} // namespace davit::supervisor
