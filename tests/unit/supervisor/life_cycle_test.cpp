#include "base/error.hpp"
#include "supervisor/policy/life_cycle.hpp"

#include <csignal>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;
using namespace std::chrono_literals;

namespace {

LifeView created() { return {}; }

LifeView exited() {
    LifeView view;
    view.state = ContainerState::exited;
    return view;
}

LifeView starting() { // launched or about to be
    LifeView view;
    view.has_run = true;
    return view;
}

LifeView running() {
    LifeView view;
    view.state = ContainerState::running;
    view.has_run = view.has_shim = true;
    return view;
}

LifeView paused() {
    LifeView view = running();
    view.state = ContainerState::paused;
    return view;
}

LifeView waiting() { // for its restart policy
    LifeView view;
    view.state = ContainerState::restarting;
    view.restarts_later = true;
    return view;
}

LifeView restarting() { // at this moment
    LifeView view = waiting();
    view.restarts_later = false;
    view.has_run = true;
    return view;
}

template <typename Edit>
LifeView with(LifeView view, Edit edit) {
    edit(view);
    return view;
}

ContainerRecord record_with(RestartKind restart) {
    ContainerRecord record;
    record.restart = {restart, 0};
    return record;
}

ContainerStatus running_status() {
    ContainerStatus status;
    status.state = ContainerState::running;
    status.pid = 4711;
    status.pid_start = 1;
    status.started_at = 5;
    status.endpoints.resize(1);
    status.ports.resize(1);
    return status;
}

RunEnd exit_with(int code) {
    RunEnd end;
    end.exit = RunEnd::Exit{code, true, false, 99};
    end.ran_for = 20s;
    return end;
}

AfterRun after(const ContainerRecord& record, const ContainerStatus& status, const RunEnd& end, bool down = false) {
    RestartPolicy policy(record.restart, status.restart_count, std::chrono::nanoseconds(status.restart_delay));
    return after_run(record, status, end, policy, down, 1'000'000);
}

} // namespace

TEST_CASE("life: start") {
    CHECK(on_start(created()) == StartStep::begin);
    CHECK(on_start(exited()) == StartStep::begin);
    CHECK(on_start(waiting()) == StartStep::begin); // now, not when the policy would
    CHECK(on_start(starting()) == StartStep::join);
    CHECK(on_start(restarting()) == StartStep::join);
    CHECK(on_start(running()) == StartStep::nothing);
    CHECK(on_start(paused()) == StartStep::nothing);
    const auto hooks = [](LifeView& v) { v.post_start_left = 1; };
    CHECK(on_start(with(running(), hooks)) == StartStep::finish_hooks);
    CHECK(on_start(with(created(), hooks)) == StartStep::begin);
    CHECK(on_start(with(running(), [](LifeView& v) {
              v.post_start_left = 1;
              v.has_shim = false; // it is being replaced: nobody could run a hook
          })) == StartStep::nothing);
}

TEST_CASE("life: stop") {
    CHECK(on_stop(created(), true) == StopStep::nothing);
    CHECK(on_stop(exited(), true) == StopStep::nothing);
    CHECK(on_stop(waiting(), true) == StopStep::cancel_restart);
    CHECK(on_stop(starting(), true) == StopStep::send_signal);
    CHECK(on_stop(running(), true) == StopStep::send_signal);
    const auto hooks = [](LifeView& v) { v.pre_stop_left = 2; };
    CHECK(on_stop(with(running(), hooks), true) == StopStep::run_hooks);
    CHECK(on_stop(with(running(), hooks), false) == StopStep::send_signal);
    CHECK(on_stop(with(paused(), hooks), true) == StopStep::send_signal); // nothing can run in it
    CHECK(on_stop(with(starting(), hooks), true) == StopStep::send_signal);
}

TEST_CASE("life: kill: SIGKILL and the stop signal say that it stays down") {
    using Kind = KillStep::Kind;
    for (int signal : {SIGKILL, SIGQUIT}) {
        CAPTURE(signal);
        CHECK(on_kill(running(), signal, SIGQUIT).stays_down);
        CHECK(on_kill(waiting(), signal, SIGQUIT).stays_down);
        CHECK(on_kill(waiting(), signal, SIGQUIT).kind == Kind::cancel_restart);
        CHECK_FALSE(on_kill(exited(), signal, SIGQUIT).stays_down);
        CHECK(on_kill(exited(), signal, SIGQUIT).kind == Kind::nothing);
        CHECK(on_kill(paused(), signal, SIGQUIT).thaw);
    }
    CHECK(on_kill(running(), SIGKILL, SIGTERM).kind == Kind::kill);
    CHECK(on_kill(starting(), SIGKILL, SIGTERM).kind == Kind::kill);
    CHECK(on_kill(starting(), SIGTERM, SIGTERM).kind == Kind::nothing); // there is no process yet
    CHECK(on_kill(starting(), SIGTERM, SIGTERM).stays_down);
    CHECK(on_kill(running(), SIGTERM, SIGTERM).kind == Kind::send_signal);

    const KillStep other = on_kill(paused(), SIGHUP, SIGTERM);
    CHECK(other.kind == Kind::send_signal);
    CHECK_FALSE(other.stays_down);
    CHECK_FALSE(other.thaw);
    CHECK(on_kill(waiting(), SIGHUP, SIGTERM).kind == Kind::nothing); // its policy goes on
    const auto asked = [](LifeView& v) { v.stopped_by_user = true; };
    CHECK(on_kill(with(paused(), asked), SIGHUP, SIGTERM).thaw);
    CHECK(on_kill(with(waiting(), asked), SIGHUP, SIGTERM).kind == Kind::cancel_restart);
}

TEST_CASE("life: removal") {
    CHECK(on_removal(created(), false) == RemovalStep::remove);
    CHECK(on_removal(exited(), false) == RemovalStep::remove);
    CHECK(on_removal(running(), false) == RemovalStep::refuse);
    CHECK(on_removal(paused(), false) == RemovalStep::refuse);
    CHECK(on_removal(waiting(), false) == RemovalStep::refuse);
    CHECK(on_removal(restarting(), false) == RemovalStep::refuse);
    CHECK(on_removal(starting(), false) == RemovalStep::kill); // a start that nobody completes
    CHECK(on_removal(running(), true) == RemovalStep::kill);
    CHECK(on_removal(restarting(), true) == RemovalStep::kill);
    CHECK(on_removal(waiting(), true) == RemovalStep::cancel_restart);
    const auto gone = [](LifeView& v) { v.init_is_gone = true; };
    CHECK(on_removal(with(running(), gone), false) == RemovalStep::wait_for_end);
    CHECK(on_removal(with(running(), gone), true) == RemovalStep::kill);
}

TEST_CASE("life: a run that ended leaves nothing of the kernel in the status") {
    const AfterRun end = after(record_with(RestartKind::no), running_status(), exit_with(3));
    CHECK(end.ran);
    CHECK_FALSE(end.next.restart);
    CHECK(end.status.state == ContainerState::exited);
    CHECK(end.status.exit_code == 3);
    CHECK(end.status.finished_at == 99);
    CHECK(end.status.started_at == 5);
    CHECK(end.status.pid == 0);
    CHECK(end.status.pid_start == 0);
    CHECK(end.status.endpoints.empty());
    CHECK(end.status.ports.empty());
}

TEST_CASE("life: the restart policy is asked about what ran, and about its own starts") {
    ContainerStatus status = running_status();
    AfterRun end = after(record_with(RestartKind::always), status, exit_with(0));
    CHECK(end.next.restart);
    CHECK(end.status.state == ContainerState::restarting);
    CHECK(end.status.restart_count == 1);
    CHECK(end.status.next_restart == 1'000'000 + end.next.delay.count());

    status.stopped_by_user = true;
    CHECK_FALSE(after(record_with(RestartKind::always), status, exit_with(137)).next.restart);
    CHECK_FALSE(after(record_with(RestartKind::on_failure), running_status(), exit_with(0)).next.restart);
    CHECK(after(record_with(RestartKind::on_failure), running_status(), exit_with(1)).next.restart);

    RunEnd never;
    never.failed = error(Errc::failed, "no such file").with_exit_code(127);
    ContainerStatus fresh;
    end = after(record_with(RestartKind::always), fresh, never);
    CHECK_FALSE(end.next.restart); // the user sees it fail, and is not deceived by tries
    CHECK(end.status.state == ContainerState::created);
    CHECK(end.status.exit_code == 127);
    CHECK(end.status.error == "no such file");
    CHECK(end.status.finished_at == 0);
    never.by_policy = true;
    fresh.state = ContainerState::restarting;
    end = after(record_with(RestartKind::always), fresh, never);
    CHECK(end.next.restart);
    CHECK(end.status.finished_at == 1'000'000);
}

TEST_CASE("life: when the machine goes down nothing comes back in this boot") {
    const AfterRun end = after(record_with(RestartKind::always), running_status(), exit_with(143), true);
    CHECK_FALSE(end.next.restart);
    CHECK(end.status.state == ContainerState::exited);
}

TEST_CASE("life: --rm goes when it has run or failed, and not before its policy has given up") {
    ContainerRecord record = record_with(RestartKind::no);
    record.auto_remove = true;
    CHECK(after(record, running_status(), exit_with(0)).remove);
    RunEnd never;
    never.failed = error(Errc::failed, "no");
    CHECK(after(record, {}, never).remove);
    CHECK(after(record, {}, never).status.exit_code == 128);
    record.restart.kind = RestartKind::on_failure;
    CHECK_FALSE(after(record, running_status(), exit_with(1)).remove);
    CHECK(after(record, running_status(), exit_with(0)).remove);
}

TEST_CASE("life: an OOM kill that was seen earlier is kept, a code that was lost is said to be") {
    ContainerStatus status = running_status();
    status.oom_killed = true;
    RunEnd end = exit_with(137);
    end.exit->known = false;
    const AfterRun out = after(record_with(RestartKind::no), status, end);
    CHECK(out.status.oom_killed);
    CHECK_FALSE(out.status.exit_known);
}
