#include "cluster.hpp"

#include <algorithm>

using namespace davit::test;
using namespace davit::swarm;
using Lines = std::vector<std::string>;

namespace {

ServiceSpec job(std::uint64_t at_once, std::uint64_t total) {
    ServiceSpec spec = replicated(1);
    spec.mode = {
        .kind = ModeKind::replicated_job, .replicas = {}, .max_concurrent = at_once, .total_completions = total};
    return spec;
}

Program runs_once(int exit, std::int64_t runs = 1 * s) {
    return {.name = "job", .runs = runs, .exit = exit, .rejected = {}, .start_error = {}};
}

} // namespace

TEST_CASE("a replicated job runs to completion, once, so many at a time; its slots begin at 0") {
    for (const bool reboots : both)
        for (const auto& [at_once, total] : {std::pair{3u, 3u}, {2u, 4u}, {1u, 3u}, {5u, 2u}}) {
            Cluster c(reboots);
            c.deploy("job", job(at_once, total), runs_once(0));
            CHECK(c.tasks("job").size() == std::min(at_once, total));
            c.run(60 * s);
            Lines lines;
            for (unsigned i = 0; i < total; ++i) lines.push_back(std::to_string(i) + " complete complete");
            CHECK(c.ps("job") == lines);
            CHECK(c.alive().second == static_cast<int>(std::min(at_once, total)));
            CHECK(c.orchestrator->idle());
            CHECK(c.tasks("job").front()->message == "finished");
        }
}

TEST_CASE("a failing job is retried by its restart policy; any is on-failure") {
    for (const bool reboots : both)
        for (const char* condition : {"on-failure", "any", ""}) {
            Cluster c(reboots);
            ServiceSpec spec = job(1, 1);
            spec.task.restart_policy = RestartPolicy{condition, 0, 2, {}};
            c.deploy("job", spec, runs_once(3));
            c.run(60 * s);
            CHECK(c.ps("job") == Lines(3, "0 shutdown failed \"task: non-zero exit (3)\""));
            c.deploy("good", spec, runs_once(0));
            c.run(60 * s);
            CHECK(c.ps("good") == Lines{"0 complete complete"});
        }
    Cluster c;
    ServiceSpec spec = job(1, 2);
    spec.task.restart_policy = RestartPolicy{"none", 0, {}, {}};
    c.deploy("job", spec, runs_once(1));
    c.run(60 * s);
    CHECK(c.starts("job") == 2);
}

TEST_CASE("an update runs a job again, also without a change; what of the run before has not ended goes") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("job", job(2, 2), runs_once(0, 10 * s));
        c.run(20 * s);
        CHECK(c.starts("job") == 2);
        c.deploy("job", job(2, 2), runs_once(0, 10 * s));
        CHECK(c.service("job").job_started_at == c.now);
        CHECK(c.service("job").job_iteration == 1);
        REQUIRE(c.until_running("job", 2));
        CHECK(c.starts("job") == 4);
        c.force("job");
        c.run(1 * s);
        CHECK(c.count("job", TaskState::running) == 2);
        CHECK(c.starts("job") == 6);
        c.run(30 * s);
        CHECK(c.ps("job") ==
              Lines{"0 complete complete", "0 complete complete", "1 complete complete", "1 complete complete"});
        CHECK(c.status("job") == "-");
    }
}

TEST_CASE("a global job runs once on a node that it may have") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(1);
        spec.mode = {.kind = ModeKind::global_job, .replicas = {}, .max_concurrent = {}, .total_completions = {}};
        c.deploy("job", spec, runs_once(0));
        c.run(30 * s);
        CHECK(c.ps("job") == Lines{"0 complete complete"});
        CHECK(c.tasks("job").front()->node_id == "node1");
        c.force("job"); // which keeps nothing of the run before
        c.run(30 * s);
        CHECK(c.starts("job") == 2);
        CHECK(c.ps("job") == Lines{"0 complete complete"});
        spec.task.placement = Placement{{"node.labels.a == b"}, {}, 0, {}};
        c.deploy("other", spec, runs_once(0));
        c.run(30 * s);
        CHECK(c.tasks("other").empty());
        c.node([](NodeFacts& n) { n.node.labels["a"] = "b"; });
        c.run(30 * s);
        CHECK(c.ps("other") == Lines{"0 complete complete"});
    }
}

TEST_CASE("a job on a node that is drained waits for its return, a global one as well") {
    for (const bool reboots : both)
        for (const ModeKind kind : {ModeKind::replicated_job, ModeKind::global_job}) {
            Cluster c(reboots);
            ServiceSpec spec = replicated(1);
            spec.mode = {.kind = kind, .replicas = {}, .max_concurrent = {}, .total_completions = {}};
            c.deploy("job", spec, runs_once(0, 10 * s));
            REQUIRE(c.until_running("job", 1));
            c.node([](NodeFacts& n) { n.node.availability = "drain"; });
            c.run(20 * s);
            CHECK(c.count("job", TaskState::complete) == 0);
            c.node([](NodeFacts& n) { n.node.availability = "active"; });
            c.run(20 * s);
            CHECK(c.count("job", TaskState::complete) == 1);
            CHECK(c.starts("job") == 2);
        }
}
