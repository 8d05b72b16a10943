#include "cluster.hpp"
#include "swarm/orchestrator/history.hpp"

#include <algorithm>

using namespace davit::test;
using namespace davit::swarm;

TEST_CASE("a slot keeps five tasks, the running one included, or one more than the attempts that there may be") {
    for (const bool reboots : both)
        for (const auto& [attempts, kept] : {std::pair{0u, 5u}, {1u, 2u}, {3u, 4u}, {4u, 5u}, {8u, 9u}}) {
            CAPTURE(attempts);
            Cluster c(reboots);
            ServiceSpec spec = replicated(2);
            spec.task.restart_policy = RestartPolicy{"any", 100 * ms, attempts, {}};
            c.deploy("web", spec, bad);
            c.run(20 * s);
            const auto lines = c.ps("web");
            CHECK(std::ranges::count_if(lines, [](const std::string& l) { return l.starts_with("1 "); }) == kept);
            CHECK(lines.size() == 2 * kept);
        }
}

TEST_CASE("tasks of updates are history as well; a task that is being stopped is none yet") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(1);
        spec.update_config = quick();
        Program lasting = v1;
        lasting.stops_in = never;
        c.deploy("web", spec, lasting);
        REQUIRE(c.until_running("web", 1));
        for (int i = 0; i < 7; ++i) {
            c.force("web");
            if (i == 0) c.program("v1").stops_in = 0;
            REQUIRE(c.until_status("web", "completed"));
        }
        const std::uint64_t latest = c.service("web").template_version;
        CHECK(c.orchestrator->templates("service-web") == std::set<std::uint64_t>{1, 2, latest - 1, latest});
        const auto lines = c.ps("web");
        CHECK(lines.size() == 5);
        CHECK(lines.front() == "1 running running");
        CHECK(lines[3] == "1 shutdown running"); // the first two, which never stop
        CHECK(lines[4] == "1 shutdown running");
        CHECK(c.service("web").kept.size() <= 4);
    }
}

TEST_CASE("whoever lists tasks does not see those that are on their way out") {
    Service service;
    std::vector<Task> tasks;
    const auto add = [&](std::uint64_t slot, TaskState state, TaskState desired) {
        Task task;
        task.id = std::to_string(slot) + "." + std::to_string(tasks.size());
        task.slot = slot;
        task.state = state;
        task.desired = desired;
        tasks.push_back(task);
    };
    for (int i = 0; i < 6; ++i) add(1, TaskState::failed, TaskState::shutdown);
    add(2, TaskState::running, TaskState::running);
    add(1, TaskState::ready, TaskState::running);
    for (int i = 0; i < 6; ++i) add(3, TaskState::running, TaskState::shutdown); // they are being stopped
    std::string seen;
    for (const Task& task : within_history(service, tasks)) seen += task.id + " ";
    CHECK(seen == "1.2 1.3 1.4 1.5 2.6 1.7 3.8 3.9 3.10 3.11 3.12 3.13 ");
    service.spec.task.restart_policy.emplace();
    service.spec.task.restart_policy->max_attempts = 1; // two tasks of a slot are kept
    seen.clear();
    for (const Task& task : within_history(service, tasks)) seen += task.id + " ";
    CHECK(seen == "1.5 2.6 1.7 3.8 3.9 3.10 3.11 3.12 3.13 ");
}

TEST_CASE("the swarm's limit says how many tasks a slot keeps, also when it changes") {
    for (const auto& [limit, kept] : {std::pair<std::int64_t, std::size_t>{2, 2}, {0, 1}, {-1, 8}}) {
        CAPTURE(limit);
        Cluster c(false);
        ServiceSpec spec = replicated(1);
        spec.update_config = quick();
        c.deploy("web", spec, v1);
        REQUIRE(c.until_running("web", 1));
        for (int i = 0; i < 3; ++i) {
            c.force("web");
            REQUIRE(c.until_status("web", "completed"));
        }
        CHECK(c.ps("web").size() == 4);
        c.history = limit;
        c.node([](NodeFacts&) {});
        CHECK(c.ps("web").size() == std::min<std::size_t>(kept, 4));
        for (int i = 0; i < 4; ++i) {
            c.force("web");
            REQUIRE(c.until_status("web", "completed"));
        }
        CHECK(c.ps("web").size() == kept);
    }
}

TEST_CASE("what has ended for good, or a job's completion, is not forgotten and done again, however small the limit") {
    Cluster c(false);
    c.history = 0;
    ServiceSpec once = replicated(1);
    once.task.restart_policy = RestartPolicy{"none", {}, {}, {}};
    Program ends = v1;
    ends.runs = 1 * s;
    c.deploy("once", once, ends);
    ServiceSpec job = once;
    job.mode = {ModeKind::replicated_job, {}, 2, 2};
    Program twice = v2;
    twice.runs = 1 * s;
    c.deploy("job", job, twice);
    c.run(30 * s);
    CHECK(c.starts("v1") == 1);
    CHECK(c.starts("v2") == 2);
}
