#include "cluster.hpp"

#include <algorithm>

using namespace davit::test;
using namespace davit::swarm;
using Lines = std::vector<std::string>;

TEST_CASE("slots are the lowest that are free; scaling down leaves no history of the slots that went") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", replicated(1));
        REQUIRE(c.until_running("web", 1));
        c.scale("web", 3);
        REQUIRE(c.until_running("web", 3));
        CHECK(c.ps("web") == Lines{"1 running running", "2 running running", "3 running running"});
        c.scale("web", 1);
        CHECK(c.ps("web") == Lines{"1 running running", "2 remove running", "3 remove running"});
        c.run(1 * s);
        CHECK(c.ps("web") == Lines{"1 running running"});
        CHECK(c.slots() == "1: v1 start\n2: v1 start, v1 stop\n3: v1 start, v1 stop\n");
        c.scale("web", 0);
        c.run(1 * s);
        CHECK(c.ps("web").empty());
        CHECK(c.orchestrator->idle());
    }
}

TEST_CASE("scaling down takes what does not run first, then the highest slots") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(4);
        spec.task.restart_policy = RestartPolicy{"any", 60 * s, {}, {}};
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 4));
        c.report("task0001", {.state = TaskState::failed, .message = {}, .error = "killed", .container_id = {}});
        c.scale("web", 2);
        c.run(1 * s);
        CHECK(c.ps("web") == Lines{"2 running running", "3 running running"});
        c.scale("web", 3);
        c.run(1 * s);
        CHECK(c.ps("web") == Lines{"1 running running", "2 running running", "3 running running"});
    }
}

TEST_CASE("a deploy sets replicas back to the file's number") {
    Cluster c;
    c.deploy("web", replicated(1));
    c.scale("web", 2);
    REQUIRE(c.until_running("web", 2));
    c.deploy("web", replicated(1));
    c.run(1 * s);
    CHECK(c.ps("web") == Lines{"1 running running"});
    CHECK(c.status("web") == "-");
}

TEST_CASE("a service that is removed ends with its last task") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", replicated(2));
        c.deploy("db", replicated(1));
        REQUIRE(c.until_running("web", 2));
        REQUIRE(c.until_running("db", 1));
        c.remove("web");
        CHECK(c.service("web").removed_at == c.now);
        CHECK_FALSE(c.orchestrator->idle());
        c.run(5 * s);
        CHECK(c.tasks("web").empty());
        CHECK(c.orchestrator->services().size() == 1);
        CHECK(c.ps("db") == Lines{"1 running running"});
        c.remove("db");
        c.run(5 * s);
        CHECK(c.orchestrator->services().empty());
        CHECK(c.orchestrator->idle());
    }
}

TEST_CASE("a service without tasks ends at once") {
    Cluster c;
    c.deploy("web", replicated(0));
    c.remove("web");
    CHECK(c.orchestrator->services().empty());
}

TEST_CASE("a thousand tasks are cheap: each event looks at its own slot") {
    Cluster c;
    ServiceSpec spec = replicated(1000);
    spec.update_config = quick();
    spec.update_config->parallelism = 10;
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 1000));
    CHECK(c.saves < 1000 * 6);
    c.saves = 0;
    c.deploy("web", spec, v2);
    REQUIRE(c.until_status("web", "completed"));
    CHECK(c.saves < 1000 * 10);
    CHECK(c.starts("v2") == 1000);
}
