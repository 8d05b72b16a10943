#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;

namespace {

using Lines = std::vector<std::string>;

ServiceSpec restarting(const char* condition, std::optional<std::int64_t> delay,
                       std::optional<std::uint64_t> attempts = {}, std::optional<std::int64_t> window = {}) {
    ServiceSpec spec = replicated(1);
    spec.task.restart_policy = RestartPolicy{condition, delay, attempts, window};
    return spec;
}

Program ends(int exit, std::int64_t runs = 0) {
    return {.name = "x", .runs = runs, .exit = exit, .rejected = {}, .start_error = {}};
}

} // namespace

TEST_CASE("the restart policy decides what follows the end of a task") {
    struct Row {
        const char* what;
        ServiceSpec spec;
        Program program;
        std::size_t starts; // after a minute
        const char* first;  // newest
    };
    const Row rows[] = {
        {"none, failed", restarting("none", {}), ends(3), 1, "1 shutdown failed \"task: non-zero exit (3)\""},
        {"none, complete", restarting("none", {}), ends(0), 1, "1 shutdown complete"},
        {"on-failure, complete", restarting("on-failure", 0), ends(0), 1, "1 shutdown complete"},
        {"on-failure, two attempts", restarting("on-failure", 0, 2), ends(3), 3,
         "1 shutdown failed \"task: non-zero exit (3)\""},
        {"any, two attempts", restarting("any", 0, 2), ends(0), 3, "1 shutdown complete"},
        {"the default: any", restarting("", 10 * s), ends(0), 6, "1 ready ready"},
        {"window that has all", restarting("any", 0, 2, 30 * s), ends(3), 3,
         "1 shutdown failed \"task: non-zero exit (3)\""},
    };
    for (const bool reboots : both)
        for (const Row& row : rows) {
            CAPTURE(row.what);
            CAPTURE(reboots);
            Cluster c(reboots);
            c.deploy("web", row.spec, row.program);
            c.run(59 * s);
            CHECK(c.starts("x") == row.starts);
            CHECK(c.ps("web").front() == row.first);
            CHECK(c.orchestrator->idle() == (row.starts < 6));
        }
}

TEST_CASE("delay lies between the end of a task and the start of the next; 5 seconds without a policy") {
    for (const bool reboots : both)
        for (const auto& [spec, delay] :
             {std::pair{replicated(1), 5 * s}, {restarting("any", {}), 5 * s}, {restarting("any", 3 * s), 3 * s}}) {
            Cluster c(reboots);
            c.deploy("web", spec, ends(1));
            REQUIRE(c.until([&] { return c.starts("x") == 3; }));
            const auto times = c.start_times("x");
            for (std::size_t i = 1; i < times.size(); ++i) {
                CHECK(times[i] - times[i - 1] >= delay);
                CHECK(times[i] - times[i - 1] < delay + 100 * ms);
            }
        }
}

TEST_CASE("the next task is there at once and made ready, and starts after the delay") {
    Cluster c;
    c.deploy("web", restarting("any", 3 * s), ends(1));
    REQUIRE(c.until([&] { return c.starts("x") == 1 && c.count("web", TaskState::failed) == 1; }));
    CHECK(c.ps("web") == Lines{"1 ready assigned", "1 shutdown failed \"task: non-zero exit (1)\""});
    c.run(1 * s);
    CHECK(c.ps("web").front() == "1 ready ready");
    CHECK(c.orchestrator->next_time() == c.tasks("web").back()->start_after);
}

TEST_CASE("only attempts inside the window count") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", restarting("any", 0, 2, 1 * s), ends(0, 3 * s));
        c.run(30 * s);
        CHECK(c.starts("x") >= 9);
    }
}

TEST_CASE("attempts that are used up begin anew with --force") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", restarting("on-failure", 0, 1), ends(1));
        c.run(10 * s);
        CHECK(c.starts("x") == 2);
        c.force("web");
        c.run(10 * s);
        CHECK(c.starts("x") == 4);
    }
}

TEST_CASE("a task whose image cannot be had is tried again after the delay, not in a loop") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        Program missing = v1;
        missing.rejected = "No such image: x";
        c.deploy("web", restarting("any", 5 * s), missing);
        c.run(21 * s);
        CHECK(c.tasks("web").size() == 5);
        CHECK(c.ps("web").back() == "1 shutdown rejected \"No such image: x\"");
    }
}

TEST_CASE("a container that was killed, stopped or removed behind the back is replaced") {
    struct Row {
        TaskState state;
        int exit;
        const char* error;
        const char* line;
    };
    const Row rows[] = {
        {TaskState::failed, 137, "", "1 shutdown failed \"task: non-zero exit (137)\""},
        {TaskState::complete, 0, "", "1 shutdown complete"},
        {TaskState::failed, 0, "No such container: x", "1 shutdown failed \"No such container: x\""},
    };
    for (const Row& row : rows) {
        Cluster c;
        c.deploy("web", restarting("any", 0));
        REQUIRE(c.until_running("web", 1));
        c.report(c.tasks("web").front()->id,
                 {.state = row.state, .message = {}, .error = row.error, .exit_code = row.exit, .container_id = {}});
        REQUIRE(c.until_running("web", 1));
        CHECK(c.ps("web") == Lines{"1 running running", row.line});
    }
}

TEST_CASE("tasks that cannot start: rejected before the start, failed at it") {
    Program nobind = v1, noexec = v1;
    nobind.rejected = "invalid mount config for type \"bind\": bind source path does not exist: /no/such/dir";
    noexec.start_error = "starting container failed: exec: \"/no/such/cmd\"";
    Cluster c;
    c.deploy("nobind", restarting("none", {}), nobind);
    c.deploy("noexec", restarting("none", {}), noexec);
    c.run(10 * s);
    CHECK(c.ps("nobind") == Lines{"1 shutdown rejected \"" + nobind.rejected + "\""});
    CHECK(c.ps("noexec") == Lines{"1 shutdown failed \"" + noexec.start_error + "\""});
    CHECK(c.orchestrator->idle());
}

TEST_CASE("what a task says of itself is what Docker's says") {
    Cluster c;
    c.deploy("web", restarting("none", {}), ends(1, 1 * s));
    const auto message = [&] { return c.tasks("web").front()->message; };
    CHECK(message() == "scheduler assigned task to node");
    for (const auto& [state, text] :
         {std::pair{TaskState::accepted, "accepted"}, {TaskState::preparing, "preparing"}}) {
        c.report("task0001", {.state = state, .message = {}, .error = {}, .container_id = {}});
        CHECK(message() == text);
    }
    REQUIRE(c.until([&] { return c.count("web", TaskState::ready) == 1; }));
    CHECK(message() == "prepared");
    CHECK(c.tasks("web").front()->container_id == "c-task0001");
    REQUIRE(c.until_running("web", 1));
    CHECK(message() == "started");
    CHECK(c.tasks("web").front()->running_at == c.now);
    REQUIRE(c.until([&] { return c.count("web", TaskState::failed) == 1; }));
    CHECK(message() == "started"); // what went wrong stands in error
    CHECK(c.tasks("web").front()->exit_code == 1);
    c.report("task0001", {.state = TaskState::running, .message = {}, .error = {}, .container_id = {}});
    CHECK(c.count("web", TaskState::failed) == 1); // states only grow
}

TEST_CASE("attempts count anew with each version of the specification, also one that replaces no task") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = restarting("any", 1 * s, 2);
        c.deploy("web", spec, ends(1));
        REQUIRE(c.until([&] { return c.starts("x") == 2; }));
        spec.labels["a"] = "b";
        c.deploy("web", spec, ends(1));
        c.run(30 * s);
        CHECK(c.starts("x") == 4);
    }
}
