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
    if (!active()) {
        if (!request.keep_desired && record_.desired == DesiredState::running) set_desired(DesiredState::stopped);
        return answer(waiter, nullptr);
    }
    if (restart_timer_) {
        if (!request.keep_desired) set_desired(DesiredState::stopped);
        status_.stopped_by_user = true;
        cancel_restart();
        return answer(waiter, nullptr);
    }
    stop_waiters_.insert(stop_waiters_.end(), waiter.begin(), waiter.end());
    begin_stop(request);
}

void Container::begin_stop(const StopRequest& request) {
    bool hooks = request.run_hooks && status_.state == ContainerState::running &&
                 status_.pre_stop_begun < static_cast<int>(record_.pre_stop.size());
    if (!hooks) return send_stop(request);
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
             start(false, done);
         }));
}

void Container::kill(const std::string& signal, Done done) {
    std::vector<Done> waiter{std::move(done)};
    int number = 0;
    try {
        number = signal.empty() ? SIGKILL : stop_signal(signal);
        // As Docker: SIGKILL and the container's own stop signal say that it is to stay down.
        if (active() && (number == SIGKILL || number == stop_signal(""))) {
            set_desired(DesiredState::stopped);
            status_.stopped_by_user = true;
        }
    } catch (const Error& e) {
        return answer(waiter, &e);
    }
    if (restart_timer_ && status_.stopped_by_user) {
        cancel_restart();
        return answer(waiter, nullptr);
    }
    if (!run_ || (!run_->shim && number != SIGKILL)) return answer(waiter, nullptr);
    if (number == SIGKILL) {
        stop_waiters_.insert(stop_waiters_.end(), waiter.begin(), waiter.end());
        run_->stopping = true;
        return send_kill();
    }
    std::uint32_t request = run_->shim->signal(number);
    expect_answer();
    emit(EventKind::container_signalled, signal);
    if (status_.stopped_by_user && status_.state == ContainerState::paused) run_->shim->unpause();
    run_->replies[request] = [this, waiter](int errnum) mutable {
        if (errnum == 0) return answer(waiter, nullptr);
        Error e = reply_error(errnum, "signalling");
        answer(waiter, &e);
    };
}

void Container::prepare_removal(bool force, Done done) {
    std::vector<Done> waiter{std::move(done)};
    if (!active()) {
        status_.state = ContainerState::removing;
        return answer(waiter, nullptr);
    }
    // It never ran: a start that nobody completes is no reason to stay.
    if (!force && run_ && !running() && status_.state != ContainerState::restarting) force = true;
    // Its process has ended and its shim is about to say so: who made the plan saw that first.
    if (!force && run_ && status_.pid > 0 && sys::start_time(status_.pid) != status_.pid_start) {
        stop_waiters_.push_back(std::move(waiter.front()));
        return;
    }
    if (!force) {
        Error e = error(Errc::conflict, "container {} is running: stop it first, or remove it by force", record_.name);
        return answer(waiter, &e);
    }
    if (restart_timer_) {
        cancel_restart();
        return answer(waiter, nullptr);
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
    run_->netns.reset();
}

void Container::end_run() {
    auto keep = shared_from_this();
    leave_kernel();
    std::unique_ptr<Run> run = std::move(run_);
    bool ran = running();
    ContainerState before = status_.state;
    const bool had_ports = !status_.ports.empty();
    status_.pid = 0;
    status_.pid_start = 0;
    status_.endpoints.clear();
    status_.ports.clear();
    if (run->exited) {
        status_.exit_code = run->exited->code;
        status_.exit_known = run->exited->known;
        status_.oom_killed = status_.oom_killed || run->exited->oom;
        status_.finished_at = run->exited->time_ns;
    } else if (run->failed) {
        status_.error = run->failed->what();
        if (run->by_policy) log::warning("restarting container {}: {}", record_.name, run->failed->describe());
        status_.exit_code = run->failed->exit_code() != 0 ? run->failed->exit_code() : 128;
        if (ran || run->by_policy) status_.finished_at = sys::realtime_ns();
    }
    const auto ran_for = ran ? age() : 0ns;
    RestartPolicy::Decision next;
    if (ran || run->by_policy) next = policy_.on_exit(status_.exit_code, status_.stopped_by_user, ran_for);
    status_.restart_count = policy_.count();
    status_.restart_delay = policy_.delay().count();

    if (next.restart) {
        world_.networks.publish(record_, false);
        status_.next_restart = sys::realtime_ns() + next.delay.count();
        set_state(ContainerState::restarting);
    } else {
        world_.networks.release(record_.id);
        bool never = before == ContainerState::created && !ran;
        set_state(never ? ContainerState::created : ContainerState::exited);
    }
    if (ran) emit(EventKind::container_exited, {}, status_.exit_code);
    if (ran && run->stop_asked) emit(EventKind::container_stopped, {}, status_.exit_code);
    if (next.restart) {
        emit(EventKind::container_restarting, fmt::format("in {} ms", next.delay.count() / 1'000'000),
             status_.exit_code);
        schedule_restart(next.delay);
    }
    if (had_ports && !next.restart && !stop_waiters_.empty()) {
        // Whoever waits may give the port to another project next: its rule has to be gone.
        world_.networks.when_committed([this, keep, waiters = std::exchange(stop_waiters_, {})](const Error*) mutable {
            answer(waiters, nullptr);
        });
    } else {
        answer(stop_waiters_, nullptr);
    }
    if (!start_waiters_.empty()) {
        Error e = run->failed ? *run->failed
                              : error(Errc::failed, "container {} ended before its start was complete", record_.name);
        e.with_context(fmt::format("starting container {}", record_.name));
        answer(start_waiters_, &e);
    }
    if (!next.restart && record_.auto_remove && (ran || run->failed)) world_.auto_remove(*this);
}

void Container::schedule_restart(std::chrono::nanoseconds delay) {
    restart_timer_ = world_.loop.after(delay, guarded([this] {
                                           restart_timer_.reset();
                                           begin_run(false, true);
                                       }));
}

} // namespace davit::supervisor
