// Healthchecks, gates and hooks on real containers.
#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "supervisor/policy/health.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;

namespace {

constexpr std::int64_t ms = 1'000'000;

Lab::Edit checked(std::vector<std::string> test, int retries = 1, std::int64_t start_period = 0,
                  std::int64_t timeout = 20'000 * ms) {
    return [=](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.healthcheck = HealthcheckRecord{test, 50 * ms, timeout, start_period, 50 * ms, retries};
    };
}

Operation gate_for(const std::string& id, WaitCondition condition) {
    Operation op;
    op.condition = condition;
    op.wait_for = {id};
    return op;
}

void wait_for(Lab& lab, const std::string& id, WaitCondition condition, std::optional<std::int64_t> limit = {},
              const std::string& resource = "") {
    lab.one(OpKind::wait_container, "", [&](Operation& op) {
        op.resource = resource;
        op.condition = condition;
        op.wait_for = {id};
        op.timeout_ns = limit;
    });
}

} // namespace

TEST_CASE("a container becomes healthy, and unhealthy when its check fails, with the output kept") {
    Lab lab("health");
    std::string ok = lab.add("ok", "exec sleep 1000", checked({"CMD", "true"}));
    std::string bad = lab.add("bad", "exec sleep 1000", checked({"CMD-SHELL", "echo it is broken; exit 1"}, 2));
    std::string later = lab.add("later", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        checked({"CMD", "true"})(r, s);
        r.healthcheck->interval = r.healthcheck->start_interval = 600'000 * ms;
    });
    lab.up();
    CHECK(lab.status(later).health == Health::starting);
    wait_for(lab, ok, WaitCondition::healthy);
    CHECK(lab.status(ok).health == Health::healthy);
    CHECK_THROWS_WITH_AS(wait_for(lab, bad, WaitCondition::healthy), "container health-bad-1 is unhealthy", Error);
    CHECK_THROWS_WITH_AS(wait_for(lab, bad, WaitCondition::healthy, {}, "service:bad:1"),
                         "container health-bad-1 is unhealthy", Error);
    CHECK_THROWS_WITH_AS(wait_for(lab, bad, WaitCondition::healthy, {}, "service:bad"),
                         "dependency failed to start: container health-bad-1 is unhealthy", Error);
    CHECK(lab.status(bad).failing_streak >= 2);
    CHECK(read_file(lab.paths.health_log(bad)).find("it is broken") != std::string::npos);
    const auto checks = supervisor::parse_health_log(read_file(lab.paths.health_log(bad)));
    REQUIRE(checks.size() >= 2);
    CHECK(checks.back().output == "it is broken\n");
    CHECK(checks.back().exit_code == 1);
    CHECK(checks.back().end >= checks.back().start);
    CHECK(checks.back().start > checks.front().end);
    lab.one(OpKind::pause_container, ok);
    CHECK(lab.status(ok).health == Health::none);
    lab.one(OpKind::unpause_container, ok);
    CHECK(lab.status(ok).health == Health::healthy);
}

TEST_CASE("a check over its time and a check that cannot run count as failures") {
    Lab lab("checks");
    std::string slow = lab.add("slow", "exec sleep 1000", checked({"CMD", "sleep", "30"}, 1, 0, 300 * ms));
    std::string none = lab.add("none", "exec sleep 1000", checked({"CMD", "no-such-program"}));
    lab.up();
    for (const auto& id : {slow, none}) CHECK_THROWS_AS(wait_for(lab, id, WaitCondition::healthy), Error);
    CHECK(read_file(lab.paths.health_log(slow)).find("Health check exceeded timeout (300ms)") != std::string::npos);
    CHECK(read_file(lab.paths.health_log(none)).find("no-such-program") != std::string::npos);
}

TEST_CASE("checks that write without end are over at their time, and keep nobody waiting") {
    Lab lab("loud");
    const std::string script = "for i in 1 2 3 4; do cat /dev/zero & done; wait";
    const std::string loud = lab.add("loud", "exec sleep 1000", checked({"CMD-SHELL", script}, 1, 0, 300 * ms));
    const std::string other = lab.add("other", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    CHECK_THROWS_AS(wait_for(lab, loud, WaitCondition::healthy, 20'000 * ms), Error);
    CHECK(read_file(lab.paths.health_log(loud)).find("Health check exceeded timeout (300ms)") != std::string::npos);
    lab.one(OpKind::stop_container, other);
    CHECK(lab.status(other).state == ContainerState::exited);
}

TEST_CASE("failures in the start period do not count, and unhealthy turns healthy again") {
    Lab lab("recover");
    std::string late = lab.add("late", "sleep 0.3; touch /tmp/ok; exec sleep 1000",
                               checked({"CMD", "test", "-f", "/tmp/ok"}, 1, 30'000 * ms));
    std::string back =
        lab.add("back", "sleep 0.4; touch /tmp/ok; exec sleep 1000", checked({"CMD", "test", "-f", "/tmp/ok"}));
    lab.up();
    wait_for(lab, late, WaitCondition::healthy);
    lab.until("unhealthy, then healthy", [&] { return lab.status(back).health == Health::healthy; });
}

TEST_CASE("a dependant starts when its dependency is healthy, and not at all when that fails") {
    Lab lab("gates");
    std::string db = lab.add("db", "echo db >> /tmp/o; exec sleep 1000", checked({"CMD", "true"}));
    std::string job = lab.add("job", "exit 3", Lab::on_no_network());
    std::string web = lab.add("web", "exec sleep 1000", Lab::on_no_network());
    std::string late = lab.add("late", "exec sleep 1000", Lab::on_no_network());
    PlanMaker m("gates");
    auto create = [&](const std::string& id) { return m.add(OpKind::create_container, id); };
    int created_db = create(db), created_job = create(job), created_web = create(web), created_late = create(late);
    int db_up = m.add(OpKind::start_container, db, {created_db});
    int job_up = m.add(OpKind::start_container, job, {created_job});
    auto gate = [&](const std::string& id, WaitCondition condition, int after) {
        return m.add(OpKind::wait_container, "", {after}, [&](Operation& op) {
            op.condition = gate_for(id, condition).condition;
            op.wait_for = {id};
        });
    };
    int healthy = gate(db, WaitCondition::healthy, db_up),
        done = gate(job, WaitCondition::completed_successfully, job_up);
    m.add(OpKind::start_container, web, {created_web, healthy});
    m.add(OpKind::start_container, late, {created_late, done});
    lab.staged.clear();
    CHECK_THROWS_WITH_AS(lab.apply(m.plan), "service \"job\" didn't complete successfully: exit 3", Error);
    CHECK(lab.status(web).state == ContainerState::running);
    CHECK(lab.status(web).started_at > lab.status(db).started_at + 50 * ms);
    CHECK(lab.status(late).state == ContainerState::created);
    CHECK(lab.saw(EventKind::operation_skipped, late));
}

TEST_CASE("a condition that is not required warns, a time limit ends the waiting") {
    Lab lab("waiting");
    std::string job = lab.add("job", "exit 3", Lab::on_no_network());
    std::string never = lab.add("never", "exec sleep 1000", checked({"CMD", "false"}, 1, 60'000 * ms));
    lab.up();
    lab.one(OpKind::wait_container, "", [&](Operation& op) {
        op.condition = WaitCondition::completed_successfully;
        op.wait_for = {job};
        op.required = false;
    });
    CHECK(lab.saw(EventKind::warning));
    CHECK_THROWS_WITH_AS(wait_for(lab, never, WaitCondition::healthy, 1000 * ms), "application not healthy after 1s",
                         Error);
    CHECK_THROWS_WITH_AS(wait_for(lab, job, WaitCondition::started), "container waiting-job-1 exited (3)", Error);
}

TEST_CASE(
    "post_start hooks run in order before the start is done, again at a restart, and their failure is the start's") {
    Lab lab("hooks");
    std::string id = lab.add("a", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.post_start = {{{"sh", "-c", "sleep 0.1; echo one >> /tmp/h"}, "", false, "", {}},
                        {{"sh", "-c", "echo two >> /tmp/h"}, "", false, "", {}}};
    });
    lab.up();
    CHECK(lab.out(id, "/tmp/h") == "one\ntwo\n");
    lab.one(OpKind::restart_container, id);
    CHECK(lab.out(id, "/tmp/h") == "one\ntwo\none\ntwo\n");
    std::string bad = lab.add("bad", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.post_start = {{{"sh", "-c", "exit 6"}, "", false, "", {}}};
    });
    CHECK_THROWS_AS(lab.up(), Error);
    CHECK(lab.status(bad).state == ContainerState::running);
}

TEST_CASE("pre_stop hooks run before a stop, not before a kill, and their failure keeps the container") {
    Lab lab("prestop");
    const char* allow = "trap 'echo > /tmp/allowed' USR1; echo ready; while :; do sleep 0.01; done";
    auto hook = [](const char* command) {
        return [=](ContainerRecord& r, runtime::Spec& s) {
            Lab::on_no_network()(r, s);
            r.pre_stop = {{{"sh", "-c", command}, "", false, "", {}}};
        };
    };
    std::string id = lab.add("a", "exec sleep 1000", hook("echo pre >> /tmp/o"));
    std::string bad = lab.add("bad", allow, hook("test -f /tmp/allowed"));
    lab.up();
    lab.one(OpKind::stop_container, id);
    CHECK(lab.out(id, "/tmp/o") == "pre\n");
    lab.one(OpKind::start_container, id);
    lab.one(OpKind::kill_container, id);
    CHECK(lab.out(id, "/tmp/o") == "pre\n");
    CHECK_THROWS_AS(lab.one(OpKind::stop_container, bad), Error);
    CHECK(lab.status(bad).state == ContainerState::running);
    CHECK(lab.record(bad).desired == DesiredState::running);
    lab.until("the trap", [&] { return lab.log(bad).find("ready") != std::string::npos; });
    lab.one(OpKind::kill_container, bad, [](Operation& op) { op.signal = "SIGUSR1"; });
    lab.until("the permission", [&] { return exists(lab.paths.container(bad) + "/upper/tmp/allowed"); });
    lab.one(OpKind::stop_container, bad);
    CHECK(lab.status(bad).state == ContainerState::exited);
}
