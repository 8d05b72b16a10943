// All scenarios run with a supervisor that begins again after everything that happens; here is what only a longer
// absence shows.
#include "cluster.hpp"

#include <algorithm>
#include <array>
#include <random>

using namespace davit::test;
using namespace davit::swarm;

TEST_CASE("delays and monitors that ran out while no supervisor was there are over") {
    Cluster c;
    ServiceSpec spec = replicated(2);
    spec.update_config = quick(30 * s);
    spec.update_config->delay = 20 * s;
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 2));
    c.deploy("web", spec, v2);
    REQUIRE(c.until([&] { return c.starts("v2") == 1; }));
    c.now += 100 * s;
    c.reboot();
    c.run(1 * s);
    CHECK(c.starts("v2") == 2);
    c.now += 100 * s;
    c.reboot();
    CHECK(c.status("web") == "completed: update completed");
}

TEST_CASE("a task whose container has gone meanwhile is reported, and replaced after the delay") {
    Cluster c;
    c.deploy("web", replicated(1));
    REQUIRE(c.until_running("web", 1));
    c.reboot();
    CHECK(c.orchestrator->next_time() == 0);
    c.report("task0001",
             {.state = TaskState::failed, .message = {}, .error = "the machine was started anew", .container_id = {}});
    c.run(4 * s);
    CHECK(c.starts("v1") == 1);
    c.run(2 * s);
    CHECK(c.starts("v1") == 2);
}

TEST_CASE("a service of which only the record was written gets its tasks") {
    Cluster c;
    Service service;
    service.id = "service-x";
    service.spec = replicated(2);
    service.version = service.spec_version = service.template_version = 1;
    c.orchestrator->load(service, {});
    std::size_t prepared = 0;
    for (const Action& action : c.orchestrator->advance(c.now)) prepared += action.kind == Action::Kind::prepare;
    CHECK(prepared == 2);
}

TEST_CASE("a service that was being removed is removed, whatever its tasks were meant to be") {
    Cluster c;
    Service service;
    service.id = "service-x";
    service.spec = replicated(1);
    service.removed_at = 1;
    Task task;
    task.id = "t", task.service_id = service.id, task.slot = 1, task.state = TaskState::running, task.node_id = "node1";
    c.orchestrator->load(service, {task});
    const auto actions = c.orchestrator->advance(c.now);
    CHECK(std::ranges::count(actions, Action::Kind::stop, &Action::kind) == 1);
    c.orchestrator->report("t", {.state = TaskState::shutdown, .message = {}, .error = {}, .container_id = {}}, c.now);
    CHECK(c.orchestrator->advance(c.now) == std::vector<Action>{{Action::Kind::remove_task, "service-x", "t"},
                                                                {Action::Kind::end_service, "service-x", ""}});
}

TEST_CASE("whatever happens before, a good deploy ends with its replicas, each once, and nothing to be done") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](unsigned n) { return random() % n; };
        Cluster c(seed % 4 == 0);
        const Program programs[] = {v1, v2, v3, bad, slow};
        ServiceSpec spec = replicated(3);
        spec.task.restart_policy = RestartPolicy{"any", 1 * s, {}, {}};
        c.deploy("web", spec);
        for (int i = 0; i < 12; ++i) {
            spec.mode.replicas = below(5);
            spec.update_config = quick(below(5) * s);
            spec.update_config->delay = below(3) * s;
            spec.update_config->parallelism = below(3);
            spec.update_config->order = below(2) ? "start-first" : "stop-first";
            spec.update_config->failure_action = std::array{"pause", "continue", "rollback"}[below(3)];
            spec.rollback_config = spec.update_config;
            spec.task.restart_policy->condition = std::array{"any", "on-failure", "none"}[below(3)];
            spec.task.restart_policy->max_attempts = below(3);
            switch (below(8)) {
            case 0: c.scale("web", below(6)); break;
            case 1: c.force("web"); break;
            case 2: c.rollback("web"); break;
            case 3:
                c.node([&](NodeFacts& n) { n.node.availability = std::array{"active", "drain", "pause"}[below(3)]; });
                break;
            case 4: c.reboot(); break;
            case 5:
                if (const auto tasks = c.tasks("web"); !tasks.empty())
                    c.kill(tasks[below(static_cast<unsigned>(tasks.size()))]->id);
                break;
            default: c.deploy("web", spec, programs[below(5)]);
            }
            c.run(below(4) == 0 ? 20 * s : below(3000) * ms);
        }
        c.node([](NodeFacts& n) { n.node.availability = "active"; });
        ServiceSpec good = replicated(3);
        good.update_config = quick();
        c.deploy("web", good, Program{.name = "good", .rejected = {}, .start_error = {}});
        c.run(300 * s);
        CHECK(c.count("web", TaskState::running) == 3);
        CHECK(c.running() == 3);
        CHECK(c.orchestrator->next_time() == 0);
        const auto& status = c.service("web").update_status;
        CHECK((!status || status->state == "completed"));
        for (const Task* task : c.tasks("web"))
            CHECK(((task->state == TaskState::running) == (task->desired == TaskState::running)));
        CHECK(c.tasks("web").size() <= 15);
        c.remove("web");
        c.run(5 * s);
        CHECK(c.running() == 0);
        CHECK(c.orchestrator->services().empty());
    }
}

namespace {

// All containers that run end as the machine does, and the supervisor with them.
void power_cut(Cluster& c, const std::string& name) {
    std::vector<std::string> running;
    for (const Task* task : c.tasks(name))
        if (task->state == TaskState::running) running.push_back(task->id);
    c.reboot();
    for (const auto& id : running)
        c.report(id, {.state = TaskState::failed,
                      .message = {},
                      .error = "task: the machine went down",
                      .exit_code = 255,
                      .container_id = {}});
}

ServiceSpec with_policy(const char* condition, std::uint64_t attempts) {
    ServiceSpec spec = replicated(1);
    spec.task.restart_policy = RestartPolicy{condition, 30 * s, attempts, {}};
    return spec;
}

} // namespace

TEST_CASE("the end of the machine is followed at once, and is no attempt") {
    for (const char* condition : {"any", "on-failure"}) {
        CAPTURE(condition);
        Cluster c;
        c.deploy("web", with_policy(condition, 1));
        REQUIRE(c.until_running("web", 1));
        for (std::size_t boots = 1; boots <= 4; ++boots) {
            power_cut(c, "web");
            c.run(1 * s);
            CHECK(c.starts("v1") == boots + 1);
            CHECK(c.count("web", TaskState::running) == 1);
        }
    }
    Cluster c;
    c.deploy("web", with_policy("none", 0));
    REQUIRE(c.until_running("web", 1));
    power_cut(c, "web");
    c.run(60 * s);
    CHECK(c.starts("v1") == 1);
}

TEST_CASE("an attempt that was made before the machine's end counts after it") {
    Cluster c;
    c.deploy("web", with_policy("any", 1));
    REQUIRE(c.until_running("web", 1));
    c.kill(c.tasks("web").back()->id);
    c.run(31 * s);
    REQUIRE(c.starts("v1") == 2);
    power_cut(c, "web");
    c.run(1 * s);
    REQUIRE(c.starts("v1") == 3);
    c.kill(c.tasks("web").back()->id);
    c.run(60 * s);
    CHECK(c.starts("v1") == 3);
}

TEST_CASE("the end of the machine in the middle of an update is no failure of it") {
    Cluster c;
    ServiceSpec spec = replicated(3);
    spec.update_config = quick(2 * s);
    spec.update_config->delay = 10 * s;
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 3));
    c.deploy("web", spec, v2);
    REQUIRE(c.until([&] { return c.starts("v2") == 1; }));
    c.run(500 * ms);
    power_cut(c, "web");
    CHECK(c.until_status("web", "completed"));
    REQUIRE(c.until_running("web", 3));
    CHECK(c.starts("v2") == 4); // one of them twice
}
