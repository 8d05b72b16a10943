// Container: from running to exited, and on to the next run.
#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "runtime/defaults.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

namespace davit::supervisor {

namespace {
using namespace std::chrono_literals;
constexpr std::chrono::nanoseconds stuck_limit = 10s; // from SIGKILL on
constexpr std::chrono::nanoseconds answer_limit = 2s;
}

int Container::stop_signal(const std::string& wanted) const {
    const std::string& name = wanted.empty() ? record_.stop_signal : wanted;
    auto number = runtime::signal_from_name(name);
    if (!number) throw error(Errc::invalid_project, "invalid signal: {}", name);
    return *number;
}

void Container::cancel_restart() {
    restart_timer_.reset();
    status_.next_restart = 0;
    world_.networks.release(record_.id);
    set_state(ContainerState::exited);
}

void Container::stop(const StopRequest& request, Done done) {
    std::vector<Done> waiter{std::move(done)};
    try {
        stop_signal(request.signal);
    } catch (const Error& e) {
        return answer(waiter, &e);
    }
    const StopStep step = on_stop(life(), request.run_hooks);
    if (step == StopStep::nothing) {
        if (!request.keep_desired && record_.desired == DesiredState::running) set_desired(DesiredState::stopped);
        return answer(waiter, nullptr);
    }
    if (step == StopStep::cancel_restart) {
        if (!request.keep_desired) set_desired(DesiredState::stopped);
        status_.stopped_by_user = true;
        cancel_restart();
        return answer(waiter, nullptr);
    }
    stop_waiters_.insert(stop_waiters_.end(), waiter.begin(), waiter.end());
    if (step == StopStep::send_signal) return send_stop(request);
    run_hooks(false, static_cast<std::size_t>(status_.pre_stop_begun), guarded([this, request](const Error* e) {
                  if (!e) return send_stop(request);
                  status_.pre_stop_begun = 0; // it goes on running: the next stop runs them again
                  save();
                  answer(stop_waiters_, e);
              }));
}

void Container::send_stop(const StopRequest& request) {
    if (!run_) return answer(stop_waiters_, nullptr); // it ended by itself meanwhile
    run_->stopping = true;
    status_.stopped_by_user = true;
    if (!request.keep_desired) set_desired(DesiredState::stopped);
    save();
    if (!run_->shim) return; // not launched yet, or its shim is being replaced: seen there
    auto grace = request.grace.value_or(std::chrono::nanoseconds(record_.stop_grace));
    run_->stop_asked = true;
    run_->shim->signal(stop_signal(request.signal));
    expect_answer();
    emit(EventKind::container_signalled, request.signal.empty() ? record_.stop_signal : request.signal);
    if (status_.state == ContainerState::paused) run_->shim->unpause();
    if (grace < 0ns) return;
    if (grace == 0ns) return send_kill();
    kill_after(grace);
}

void Container::kill_after(std::chrono::nanoseconds grace) {
    run_->kill_at = std::chrono::steady_clock::now() + grace;
    run_->kill_timer = world_.loop.after(grace, [this] { send_kill(); });
}

void Container::hurry(std::chrono::nanoseconds limit) {
    if (!run_ || !run_->stop_asked || run_->stuck_timer) return;
    if (run_->kill_at && *run_->kill_at <= std::chrono::steady_clock::now() + limit) return;
    if (limit > 0ns) return kill_after(limit);
    run_->kill_timer.reset();
    send_kill();
}

void Container::send_kill() {
    if (!run_ || !run_->shim) return;
    run_->shim->signal(SIGKILL);
    emit(EventKind::container_signalled, "SIGKILL");
    if (status_.state == ContainerState::paused) run_->shim->unpause(); // v1: a frozen process does not die
    run_->stuck_timer = world_.loop.after(stuck_limit, [this] {
        Error e = error(Errc::failed, "container {} (pid {}) did not end {} s after SIGKILL", record_.name, status_.pid,
                        std::chrono::duration_cast<std::chrono::seconds>(stuck_limit).count());
        answer(stop_waiters_, &e);
        answer(start_waiters_, &e);
    });
    expect_answer();
}

// A shim answers at once. One that somebody has stopped does nothing until it is continued: whoever waits is told.
void Container::expect_answer() {
    run_->answer_timer = world_.loop.after(answer_limit, [this] {
        if (!run_ || !run_->shim) return;
        const pid_t shim = runtime::shim_pid(world_.paths.run_container(record_.id));
        if (shim == 0 || !sys::is_stopped(shim)) return;
        Error e = error(Errc::unavailable, "davit-shim (pid {}) of container {} is stopped and does nothing", shim,
                        record_.name)
                      .with_hint(fmt::format("let it go on: kill -CONT {}", shim));
        answer(stop_waiters_, &e);
        answer(start_waiters_, &e);
        for (auto& [request, reply] : std::exchange(run_->replies, {})) reply(ETIMEDOUT);
    });
}

void Container::restart(const StopRequest& request, Done done) {
    StopRequest keep = request;
    keep.keep_desired = true;
    stop(keep, guarded([this, done](const Error* e) {
             if (e) return done(e);
             start(false, guarded([this, done](const Error* failure) {
                       if (!failure) emit(EventKind::container_restarted);
                       done(failure);
                   }));
         }));
}

void Container::kill(const std::string& signal, Done done) {
    std::vector<Done> waiter{std::move(done)};
    KillStep step;
    int number = SIGKILL;
    try {
        if (!signal.empty()) number = stop_signal(signal);
        step = on_kill(life(), number, stop_signal(""));
        if (step.stays_down) set_desired(DesiredState::stopped);
    } catch (const Error& e) {
        return answer(waiter, &e);
    }
    status_.stopped_by_user = status_.stopped_by_user || step.stays_down;
    switch (step.kind) {
    case KillStep::Kind::cancel_restart: cancel_restart(); [[fallthrough]];
    case KillStep::Kind::nothing: return answer(waiter, nullptr);
    case KillStep::Kind::kill:
        stop_waiters_.insert(stop_waiters_.end(), waiter.begin(), waiter.end());
        run_->stopping = true;
        return send_kill();
    case KillStep::Kind::send_signal: break;
    }
    const std::uint32_t request = run_->shim->signal(number);
    expect_answer();
    emit(EventKind::container_signalled, signal);
    if (step.thaw) run_->shim->unpause();
    run_->replies[request] = [this, waiter](int errnum) mutable {
        if (errnum == 0) return answer(waiter, nullptr);
        Error e = reply_error(errnum, "signalling");
        answer(waiter, &e);
    };
}

void Container::prepare_removal(bool force, Done done) {
    std::vector<Done> waiter{std::move(done)};
    LifeView view = life();
    view.init_is_gone = run_ && status_.pid > 0 && sys::start_time(status_.pid) != status_.pid_start;
    switch (on_removal(view, force)) {
    case RemovalStep::remove: status_.state = ContainerState::removing; return answer(waiter, nullptr);
    case RemovalStep::wait_for_end: stop_waiters_.push_back(std::move(waiter.front())); return;
    case RemovalStep::cancel_restart: cancel_restart(); return answer(waiter, nullptr);
    case RemovalStep::refuse: {
        Error e = error(Errc::conflict, "container {} is running: stop it first, or remove it by force", record_.name);
        return answer(waiter, &e);
    }
    case RemovalStep::kill: break;
    }
    set_desired(DesiredState::stopped);
    status_.stopped_by_user = true;
    stop_waiters_.insert(stop_waiters_.end(), waiter.begin(), waiter.end());
    run_->stopping = true;
    send_kill();
}

void Container::removal_failed() {
    if (status_.state == ContainerState::removing) set_state(ContainerState::exited);
}

void Container::abandon_start(const std::string& why) {
    if (!run_ || !run_->hold || running() || !run_->abandoned.empty()) return;
    run_->abandoned = why;
    run_->stopping = true;
    status_.stopped_by_user = true;
    send_kill(); // its end follows; one that is not ready yet is killed when it is
}

// ---- the end of a run

void Container::leave_kernel() {
    stop_health();
    health_.reset();
    auto execs = std::exchange(run_->execs, {});
    for (auto& [id, job] : execs) job->abort(fmt::format("container {} ended", record_.name));
    world_.dns.stop(record_.id);
    world_.stop_metadata(record_.id);
    world_.networks.leave(record_.id);
    run_->netns.reset();
}

void Container::end_run() {
    auto keep = shared_from_this();
    leave_kernel();
    const std::unique_ptr<Run> run = std::move(run_);
    // Whoever waits for an answer of its shim gets none any more.
    for (auto& [request, reply] : std::exchange(run->replies, {}))
        world_.loop.post([keep, answer = std::move(reply)] { answer(ESRCH); });
    RunEnd end{{}, run->failed, run->by_policy, age()};
    if (const auto& e = run->exited) end.exit = RunEnd::Exit{e->code, e->known, e->oom, e->time_ns};
    const bool had_ports = !status_.ports.empty();
    AfterRun after = after_run(record_, status_, end, policy_, world_.shutting_down, sys::realtime_ns());
    if (!run->exited && run->failed && run->by_policy)
        log::warning("restarting container {}: {}", record_.name, run->failed->describe());
    status_ = std::move(after.status);
    if (after.next.restart) world_.networks.publish(record_, false);
    else world_.networks.release(record_.id);
    set_state(status_.state);
    keep_last_run();
    if (after.ran && run->stop_asked) emit(EventKind::container_stopped, {}, status_.exit_code); // Docker's order
    if (after.ran) told_exit(end.ran_for);
    if (after.next.restart) {
        emit(EventKind::container_restarting, fmt::format("in {} ms", after.next.delay.count() / 1'000'000),
             status_.exit_code);
        schedule_restart(after.next.delay);
    }
    answer_stop(had_ports && !after.next.restart);
    if (!start_waiters_.empty()) {
        Error e = run->failed ? *run->failed
                              : error(Errc::failed, "container {} ended before its start was complete", record_.name);
        e.with_context(fmt::format("starting container {}", record_.name));
        answer(start_waiters_, &e);
    }
    if (after.remove) world_.auto_remove(*this);
    // What somebody stops, replaces or restarts is no end of its task.
    const bool for_good = !after.next.restart && !status_.stopped_by_user && (after.ran || run->failed);
    if (for_good && record_.ecs && record_.ecs->essential) world_.essential_ended(*this, "has ended");
}

void Container::answer_stop(bool had_ports) {
    if (!had_ports || stop_waiters_.empty()) return answer(stop_waiters_, nullptr);
    // Whoever waits may give the port to another project next: its rule has to be gone.
    world_.networks.when_committed([this, keep = shared_from_this(), waiters = std::exchange(stop_waiters_, {})](
                                       const Error*) mutable { answer(waiters, nullptr); });
}

// One that ended while nobody looked has ended then.
void Container::told_exit(std::chrono::nanoseconds ran_for) {
    constexpr std::int64_t late = 1'000'000'000;
    Event e;
    e.kind = EventKind::container_exited;
    e.time_ns = sys::realtime_ns();
    if (status_.finished_at != 0 && e.time_ns - status_.finished_at > late) e.time_ns = status_.finished_at;
    e.project = record_.project;
    e.service = record_.service;
    e.container_id = record_.id;
    e.container_name = record_.name;
    e.exit_code = status_.exit_code;
    e.attributes["execDuration"] = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(ran_for).count());
    world_.emit(std::move(e));
}

// What a boot asks of the last run: whether it failed, and how often it was tried.
void Container::keep_last_run() {
    if (status_.state == ContainerState::created || record_.auto_remove) return;
    try {
        world_.store.write_last_run(record_.project, status_);
    } catch (const Error& e) { // on a full disk it counts as one that ran when the machine went down
        log::debug("how container {} ended is not written down: {}", record_.name, e.what());
    }
}

void Container::schedule_restart(std::chrono::nanoseconds delay) {
    restart_timer_ = world_.loop.after(delay, guarded([this] {
                                           restart_timer_.reset();
                                           begin_run(false, true);
                                       }));
}

} // namespace davit::supervisor
