// A map depends_on: who waits for what, for how long, and with which words.
#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;

namespace {

constexpr const char *started = "service_started", *healthy = "service_healthy",
                     *completed = "service_completed_successfully";

ServiceSpec after(const char* condition, bool required = true, const std::string& other = "db") {
    ServiceSpec spec = replicated(1);
    spec.depends_on = {{other, condition, required}};
    return spec;
}

const Program web{.name = "web"};

ServiceSpec one_shot(const char* restart) {
    ServiceSpec spec = replicated(1);
    spec.task.restart_policy.emplace().condition = restart;
    spec.task.restart_policy->max_attempts = 1;
    return spec;
}

ServiceSpec checked(std::uint64_t replicas) {
    ServiceSpec spec = replicated(replicas);
    spec.task.container.healthcheck.emplace().test = {"CMD", "true"};
    return spec;
}

std::string error_of(const Cluster& c, const std::string& name) {
    const auto all = c.tasks(name);
    return all.empty() ? "no task" : all.back()->error;
}

} // namespace

TEST_CASE("the first tasks start when the condition is met, and not before") {
    const Program ready{.name = "db", .healthy_after = 3 * s}, ends{.name = "db", .runs = 2 * s};
    struct Row {
        const char* condition;
        ServiceSpec db;
        Program program;
        std::int64_t starts; // ms after the dependency's own start
        const char* waits;
    };
    const Row rows[] = {
        {started, replicated(1), Program{.name = "db"}, 0, "waiting for db to start"},
        {started, checked(2), ready, 0, "waiting for db to start"},
        {healthy, replicated(1), Program{.name = "db"}, 0, "waiting for db to be healthy"},
        {healthy, checked(2), ready, 3000, "waiting for db to be healthy"},
        {completed, one_shot("none"), ends, 2000, "waiting for db to complete"},
        {completed, one_shot("on-failure"), ends, 2000, "waiting for db to complete"},
    };
    for (const bool reboots : both)
        for (const Row& row : rows) {
            CAPTURE(reboots);
            CAPTURE(row.condition);
            Cluster c(reboots);
            c.deploy("web", after(row.condition), web);
            c.run(1 * s);
            CHECK(error_of(c, "web") == std::string(row.waits) + ": there is no such service");
            CHECK(c.starts("web") == 0);
            c.deploy("db", row.db, row.program);
            CHECK(error_of(c, "web") == row.waits);
            REQUIRE(c.until([&] { return c.starts("web") == 1; }));
            const std::int64_t since = c.start_times("web").front() - c.start_times("db").back();
            CHECK(since / ms >= row.starts);
            CHECK(since / ms <= row.starts + 20);
            CHECK(error_of(c, "web").empty());
        }
}

TEST_CASE("all replicas that are meant have to be there; none of them is at once") {
    Cluster c;
    c.deploy("web", after(healthy), web);
    c.deploy("db", checked(3), Program{.name = "db", .healthy_after = 1 * s});
    REQUIRE(c.until([&] { return c.starts("web") == 1; }));
    CHECK(c.count("db", TaskState::running) == 3);

    Cluster none;
    none.deploy("db", replicated(0));
    none.deploy("web", after(healthy), web);
    none.run(1 * s);
    CHECK(none.starts("web") == 1);
}

TEST_CASE("a job completes with its last task") {
    Cluster c;
    ServiceSpec job = replicated(1);
    job.mode = {.kind = ModeKind::replicated_job, .replicas = {}, .max_concurrent = 1, .total_completions = 3};
    c.deploy("db", job, Program{.name = "db", .runs = 1 * s});
    c.deploy("web", after(completed), web);
    REQUIRE(c.until([&] { return c.starts("web") == 1; }));
    CHECK(c.count("db", TaskState::complete) == 3);
}

TEST_CASE("what has failed for good is told with its error; an optional one keeps nobody then") {
    for (const bool required : {true, false}) {
        CAPTURE(required);
        Cluster c;
        c.deploy("web", after(completed, required), web);
        c.run(1 * s);
        CHECK(c.starts("web") == (required ? 0 : 1)); // that it is not there says nothing yet, if it must be
        Cluster failing;
        failing.deploy("db", one_shot("none"), bad);
        failing.deploy("web", after(completed, required), web);
        failing.run(30 * s);
        CHECK(failing.starts("web") == (required ? 0 : 1));
        if (required)
            CHECK(error_of(failing, "web") ==
                  "waiting for db to complete, which it has given up: task: non-zero exit (1)");
    }
    Cluster retried; // as long as it is tried again, it is waited for
    retried.deploy("db", one_shot("on-failure"), Program{.name = "db", .runs = 1 * s, .exit = 1});
    retried.deploy("web", after(completed, false), web);
    retried.run(4 * s);
    CHECK(error_of(retried, "web") == "waiting for db to complete");
    retried.run(10 * s);
    CHECK(retried.starts("web") == 1);
}

TEST_CASE("it holds at start alone: not for restarts, updates and more replicas") {
    for (const bool reboots : both) {
        CAPTURE(reboots);
        Cluster c(reboots);
        c.deploy("db", replicated(1), Program{.name = "db"});
        c.deploy("web", after(healthy), web);
        REQUIRE(c.until_running("web", 1));
        c.remove("db");
        c.run(1 * s);
        c.kill(c.tasks("web").back()->id);
        c.run(6 * s);
        CHECK(c.starts("web") == 2);
        c.scale("web", 3);
        c.run(1 * s);
        CHECK(c.starts("web") == 4);
        c.deploy("web", after(healthy), Program{.name = "next"});
        c.run(60 * s);
        CHECK(c.starts("next") == 1);
    }
}

TEST_CASE("a service that runs and is given a dependency goes on") {
    Cluster c;
    c.deploy("web", replicated(2), web);
    REQUIRE(c.until_running("web", 2));
    c.deploy("web", after(healthy, true, "nobody"), Program{.name = "next"});
    c.run(60 * s);
    CHECK(c.starts("next") == 1);
}

TEST_CASE("after a reboot of the machine services start in their order again") {
    const Program slowly{.name = "db", .healthy_after = 5 * s};
    Cluster c;
    c.deploy("db", checked(1), slowly);
    c.deploy("web", after(healthy), web);
    REQUIRE(c.until_running("web", 1));
    const auto all_end = [&] {
        for (const char* name : {"db", "web"})
            for (const Task* task : c.tasks(name))
                if (task->state == TaskState::running) c.kill(task->id);
    };
    c.node([&](NodeFacts& node) { node.boot = "boot2"; });
    c.reboot();
    all_end();
    REQUIRE(c.until([&] { return c.starts("db") == 2; }));
    CHECK(c.starts("web") == 1);
    REQUIRE(c.until([&] { return c.starts("web") == 2; }));
    CHECK(c.start_times("web").back() - c.start_times("db").back() >= 5 * s);
}

TEST_CASE("a whole stack in a chain starts in as many steps, and is told of nothing twice") {
    Cluster c;
    constexpr int services = 30;
    for (int i = services - 1; i > 0; --i)
        c.deploy("s" + std::to_string(i), after(started, true, "s" + std::to_string(i - 1)), web);
    c.deploy("s0", replicated(1), web);
    REQUIRE(c.until([&] { return c.starts("web") == services; }));
    CHECK(c.saves < 12 * services);
}
