#include "engine/swarm/converge.hpp"

#include <doctest/doctest.h>

using namespace davit;
using swarm::ModeKind;
using swarm::TaskState;

namespace {

swarm::Service web(std::uint64_t replicas) {
    swarm::Service s;
    s.spec.name = "web";
    s.spec_version = 2;
    s.spec.mode.replicas = replicas;
    return s;
}

swarm::Task task(std::uint64_t slot, TaskState state, TaskState desired = TaskState::running,
                 std::uint64_t version = 2) {
    static std::int64_t time = 0;
    swarm::Task t;
    t.slot = slot;
    t.state = state;
    t.desired = desired;
    t.spec_version = version;
    t.created_at = ++time;
    return t;
}

} // namespace

TEST_CASE("a service has converged when each slot runs what is wanted, and nothing else is wanted to run") {
    CHECK(converge_progress(web(2), {task(1, TaskState::running), task(2, TaskState::running)}).converged);
    CHECK(!converge_progress(web(2), {task(1, TaskState::running), task(2, TaskState::starting)}).converged);
    // A slot's newest task counts.
    const auto restarted =
        converge_progress(web(1), {task(1, TaskState::failed, TaskState::shutdown), task(1, TaskState::running)});
    CHECK(restarted.converged);
    CHECK(restarted.tasks.size() == 1);
    // One of the version before still has to go.
    CHECK(!converge_progress(web(1), {task(1, TaskState::running, TaskState::running, 1), task(1, TaskState::running)})
               .converged);
    CHECK(converge_progress(web(0), {}).converged);
    // One that a deployment without a change left as it is.
    swarm::Service again = web(1);
    again.previous = again.spec;
    again.previous_spec_version = 1;
    const std::vector<swarm::Task> left{task(1, TaskState::running, TaskState::running, 1)};
    CHECK(converge_progress(again, left).converged);
    again.spec.task.container.image = "other";
    CHECK(!converge_progress(again, left).converged);
}

TEST_CASE("one-shot tasks that have ended well are what was wanted, where nothing follows them") {
    swarm::Service once = web(1);
    const std::vector<swarm::Task> done{task(1, TaskState::complete, TaskState::shutdown)};
    CHECK(!converge_progress(once, done).converged);
    once.spec.task.restart_policy.emplace().condition = "none";
    CHECK(converge_progress(once, done).converged);
    CHECK(!converge_progress(once, {task(1, TaskState::failed, TaskState::shutdown)}).converged);
}

TEST_CASE("a job has converged when all its runs of this time are complete") {
    swarm::Service job = web(0);
    job.spec.mode = {ModeKind::replicated_job, {}, 2, 3};
    job.job_iteration = 1;
    auto run = [](std::uint64_t slot, TaskState state, std::uint64_t iteration) {
        auto t = task(slot, state, TaskState::complete);
        t.job_iteration = iteration;
        return t;
    };
    CHECK(converge_progress(
              job, {run(0, TaskState::complete, 1), run(1, TaskState::complete, 1), run(2, TaskState::complete, 1)})
              .converged);
    CHECK(!converge_progress(
               job, {run(0, TaskState::complete, 0), run(1, TaskState::complete, 1), run(2, TaskState::complete, 1)})
               .converged);
}

TEST_CASE("an update's status says whether there is more to wait for") {
    swarm::Service s = web(1);
    CHECK(!update_verdict(s).under_way);
    s.update_status = swarm::UpdateStatus{"updating", 1, 0, "update in progress"};
    CHECK(update_verdict(s).under_way);
    s.update_status->state = "rollback_started";
    CHECK(update_verdict(s).under_way);
    s.update_status->state = "rollback_completed";
    CHECK(update_verdict(s).over);
    s.update_status = swarm::UpdateStatus{"paused", 1, 0, "update paused due to failure"};
    CHECK(update_verdict(s).failure == "service update paused: update paused due to failure");
    CHECK(monitor_time(s) == std::chrono::seconds(5));
}
