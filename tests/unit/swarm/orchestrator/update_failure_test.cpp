#include "cluster.hpp"

#include <algorithm>

using namespace davit::test;
using namespace davit::swarm;

namespace {

constexpr const char* early = "update paused due to failure or early termination of task <id>";

ServiceSpec failing(std::uint64_t replicas, const char* action, double ratio = 0, std::int64_t restart = 1 * s) {
    ServiceSpec spec = replicated(replicas);
    spec.update_config = quick(5 * s);
    spec.update_config->failure_action = action;
    spec.update_config->max_failure_ratio = ratio;
    spec.task.restart_policy = RestartPolicy{"any", restart, {}, {}};
    return spec;
}

// v1 runs, then the program is rolled out.
void roll_out(Cluster& c, const ServiceSpec& spec, const Program& program) {
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", spec.mode.replicas.value()));
    c.watch_alive();
    c.deploy("web", spec, program);
}

Program named(const char* name, std::int64_t runs, int exit) {
    Program p;
    p.name = name, p.runs = runs, p.exit = exit;
    return p;
}

} // namespace

TEST_CASE("a new task that ends within monitor pauses the update; others keep the old version") {
    Program missing = named("missing", never, 0), broken = missing;
    missing.rejected = "No such image: localhost:1/c-nosuch:1";
    broken.start_error = "no such file or directory";
    for (const bool reboots : both)
        for (const Program& program : {bad, named("zero", 0, 0), named("late", 4900 * ms, 1), missing, broken}) {
            CAPTURE(program.name);
            CAPTURE(reboots);
            Cluster c(reboots);
            roll_out(c, failing(3, ""), program);
            REQUIRE(c.until_status("web", "paused"));
            CHECK(c.message("web") == early);
            CHECK(c.service("web").update_status->completed_at == 0);
            if (program.runs == never || program.runs == 0) {
                c.run(20 * s);
                // One that runs for a moment lets the next slot begin.
                CHECK(c.alive().first >= (program.runs == 0 ? 1 : 2));
                CHECK(c.status("web") == std::string("paused: ") + early);
            }
        }
}

TEST_CASE("what fails later than monitor is the restart policy's business") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = failing(1, "rollback");
        spec.update_config->monitor = 1 * s;
        roll_out(c, spec, slow);
        REQUIRE(c.until_status("web", "completed"));
        REQUIRE(c.until([&] { return c.starts("slow") == 2; }));
        CHECK(c.status("web") == "completed: update completed");
    }
}

TEST_CASE("failure_action continue: every task gets the failing version") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        roll_out(c, failing(3, "continue"), bad);
        REQUIRE(c.until_status("web", "completed"));
        for (const auto& slot : {"1: ", "2: ", "3: "})
            CHECK(c.slots().find(std::string(slot) + "v1 start, v1 stop, bad start") != std::string::npos);
    }
}

TEST_CASE("max_failure_ratio is exceeded, not met") {
    struct Row {
        double ratio;
        std::uint64_t replicas;
        const char* end;
        int replaced;
    };
    for (const bool reboots : both)
        for (const Row& row : {Row{0, 3, "paused", 1},
                               {0.25, 4, "paused", 2},
                               {0.5, 2, "paused", 2},
                               {0.5, 1, "paused", 1},
                               {1, 3, "completed", 3}}) {
            CAPTURE(row.ratio);
            Cluster c(reboots);
            Program broken = v2; // fails before it runs: the next slot waits for it
            broken.start_error = "no such file or directory";
            roll_out(c, failing(row.replicas, "pause", row.ratio, 2 * s), broken);
            REQUIRE(c.until_status("web", row.end));
            const auto tasks = c.tasks("web");
            CHECK(std::ranges::count(tasks, true, &Task::by_update) == row.replaced);
        }
}

TEST_CASE("after a pause the next good deploy completes") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        roll_out(c, failing(2, ""), bad);
        REQUIRE(c.until_status("web", "paused"));
        c.run(3 * s);
        c.deploy("web", failing(2, ""), v3);
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.count("web", TaskState::running) == 2);
    }
}

TEST_CASE("failure_action rollback: back at the version before, which has none before it") {
    Program missing = named("missing", never, 0);
    missing.rejected = "No such image: x";
    for (const bool reboots : both)
        for (const char* order : {"stop-first", "start-first"})
            for (const Program& program : {bad, missing}) {
                CAPTURE(order);
                CAPTURE(program.name);
                CAPTURE(reboots);
                Cluster c(reboots);
                ServiceSpec spec = failing(2, "rollback");
                spec.update_config->order = order;
                roll_out(c, spec, program);
                const std::int64_t began = c.service("web").update_status->started_at;
                REQUIRE(c.until_status("web", "rollback_started"));
                CHECK(c.message("web") == "update rolled back due to failure or early termination of task <id>");
                CHECK(c.service("web").update_status->started_at == began);
                REQUIRE(c.until_status("web", "rollback_completed"));
                CHECK(c.status("web") == "rollback_completed: rollback completed");
                c.run(30 * s);
                CHECK(c.count("web", TaskState::running) == 2);
                CHECK(c.service("web").spec.task.container.env == std::vector<std::string>{"V=v1"});
                CHECK(c.service("web").spec_version == 1);
                CHECK(c.service("web").template_version == 1);
                CHECK_FALSE(c.service("web").previous);
                CHECK_FALSE(c.rollback("web"));
                for (const Task* task : c.tasks("web")) // a slot that was not reached has its first task yet
                    if (task->state == TaskState::running) CHECK(task->template_version == 1);
            }
}

TEST_CASE("a rollback that fails pauses, and does not roll back again") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = failing(2, "rollback");
        // The version that runs now can be started only once.
        Program once = named("once", never, 0);
        c.deploy("web", spec, once);
        REQUIRE(c.until_running("web", 2));
        c.deploy("web", spec, named("worse", 1 * s, 1));
        REQUIRE(c.until([&] { return c.starts("worse") == 1; }));
        c.program("once").runs = 0;
        c.program("once").exit = 1;
        REQUIRE(c.until_status("web", "rollback_paused"));
        CHECK(c.message("web") == early);
        CHECK(c.service("web").spec.task.container.env == std::vector<std::string>{"V=once"});
        c.run(10 * s);
        CHECK(c.status("web") == std::string("rollback_paused: ") + early);
    }
}

TEST_CASE("a paused update, taken back by service rollback") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = failing(2, "");
        spec.rollback_config = quick();
        roll_out(c, spec, bad);
        REQUIRE(c.until_status("web", "paused"));
        c.run(3 * s);
        REQUIRE(c.rollback("web"));
        CHECK(c.status("web") == "rollback_started: manually requested rollback");
        REQUIRE(c.until_status("web", "rollback_completed"));
        c.run(1 * s);
        CHECK(c.count("web", TaskState::running) == 2);
        CHECK(c.service("web").spec.task.container.env == std::vector<std::string>{"V=v1"});
    }
}

TEST_CASE("monitor of the last slots is as long as the delay where that is longer, not of those before") {
    for (const auto& [replicas, end] : {std::pair{1u, "paused"}, {2u, "completed"}}) {
        Cluster c;
        ServiceSpec spec = failing(replicas, "");
        spec.update_config->monitor = 2 * s;
        spec.update_config->delay = 10 * s;
        spec.task.restart_policy = RestartPolicy{"none", {}, {}, {}};
        Program program = named("late", 5 * s, 1);
        roll_out(c, spec, program);
        REQUIRE(c.until([&] { return c.starts("late") == 1; }));
        c.program("late").runs = never; // the second
        REQUIRE(c.until_status("web", end));
    }
}
