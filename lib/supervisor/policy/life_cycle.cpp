#include "supervisor/policy/life_cycle.hpp"

#include <csignal>

namespace davit::supervisor {

StartStep on_start(const LifeView& view) {
    if (view.running()) return view.has_shim && view.post_start_left > 0 ? StartStep::finish_hooks : StartStep::nothing;
    return view.has_run ? StartStep::join : StartStep::begin;
}

StopStep on_stop(const LifeView& view, bool with_hooks) {
    if (!view.active()) return StopStep::nothing;
    if (view.restarts_later) return StopStep::cancel_restart;
    const bool hooks = with_hooks && view.state == ContainerState::running && view.pre_stop_left > 0;
    return hooks ? StopStep::run_hooks : StopStep::send_signal;
}

KillStep on_kill(const LifeView& view, int signal, int stop_signal) {
    using Kind = KillStep::Kind;
    KillStep step;
    step.stays_down = view.active() && (signal == SIGKILL || signal == stop_signal);
    const bool down = step.stays_down || view.stopped_by_user;
    step.thaw = down && view.state == ContainerState::paused;
    if (view.restarts_later && down) step.kind = Kind::cancel_restart;
    else if (!view.has_run) step.kind = Kind::nothing;
    else if (signal == SIGKILL) step.kind = Kind::kill;
    else if (view.has_shim) step.kind = Kind::send_signal;
    return step;
}

RemovalStep on_removal(const LifeView& view, bool force) {
    if (!view.active()) return RemovalStep::remove;
    // It never ran: a start that nobody completes is no reason to stay.
    if (view.has_run && !view.running() && view.state != ContainerState::restarting) force = true;
    if (!force) return view.has_run && view.init_is_gone ? RemovalStep::wait_for_end : RemovalStep::refuse;
    return view.restarts_later ? RemovalStep::cancel_restart : RemovalStep::kill;
}

namespace {

constexpr int never_began = 128; // the exit code of what could not be started, where nothing else is known

void take_end(ContainerStatus& status, const RunEnd& end, bool ran, std::int64_t now) {
    if (end.exit) {
        status.exit_code = end.exit->code;
        status.exit_known = end.exit->known;
        status.oom_killed = status.oom_killed || end.exit->oom;
        status.finished_at = end.exit->time_ns;
    } else if (end.failed) {
        status.error = end.failed->what();
        status.exit_code = end.failed->exit_code() != 0 ? end.failed->exit_code() : never_began;
        if (ran || end.by_policy) status.finished_at = now;
    }
}

} // namespace

AfterRun after_run(const ContainerRecord& record, const ContainerStatus& status, const RunEnd& end,
                   RestartPolicy& policy, bool machine_goes_down, std::int64_t now) {
    AfterRun out;
    out.status = status;
    out.ran = status.state == ContainerState::running || status.state == ContainerState::paused;
    ContainerStatus& after = out.status;
    after.pid = 0;
    after.pid_start = 0;
    after.endpoints.clear();
    after.ports.clear();
    take_end(after, end, out.ran, now);
    if (out.ran || end.by_policy)
        out.next = policy.on_exit(after.exit_code, after.stopped_by_user, out.ran ? end.ran_for : end.ran_for.zero());
    after.restart_count = policy.count();
    after.restart_delay = policy.delay().count();
    if (machine_goes_down) out.next.restart = false;
    if (out.next.restart) {
        after.next_restart = now + out.next.delay.count();
        after.state = ContainerState::restarting;
    } else {
        const bool never = status.state == ContainerState::created && !out.ran;
        after.state = never ? ContainerState::created : ContainerState::exited;
    }
    out.remove = !out.next.restart && record.auto_remove && (out.ran || end.failed);
    return out;
}

} // namespace davit::supervisor
