#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;
using Lines = std::vector<std::string>;

TEST_CASE("a global service has one task on the node, updated and restarted as others") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = global();
        spec.update_config = quick();
        spec.task.restart_policy = RestartPolicy{"any", 0, {}, {}};
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 1));
        CHECK(c.ps("web") == Lines{"0 running running"});
        CHECK(c.tasks("web").front()->node_id == "node1");
        c.report("task0001",
                 {.state = TaskState::failed, .message = {}, .error = {}, .exit_code = 137, .container_id = {}});
        REQUIRE(c.until_running("web", 1));
        c.deploy("web", spec, v2);
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.ps("web") ==
              Lines{"0 running running", "0 shutdown shutdown", "0 shutdown failed \"task: non-zero exit (137)\""});
    }
}

TEST_CASE("a node that a global service may not have has no task of it, not even a pending one") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = global();
        spec.task.placement = Placement{{"node.role == worker"}, {}, 0, {}};
        c.deploy("web", spec);
        c.run(1 * s);
        CHECK(c.tasks("web").empty());
        CHECK(c.orchestrator->idle());
        c.node([](NodeFacts& n) { n.node.role = "worker"; });
        REQUIRE(c.until_running("web", 1));
        c.node([](NodeFacts& n) { n.node.role = "manager"; });
        c.run(1 * s);
        CHECK(c.ps("web") == Lines{"0 shutdown shutdown"});
        c.node([](NodeFacts& n) { n.node.role = "worker"; });
        REQUIRE(c.until_running("web", 1));
        c.node([](NodeFacts& n) { n.node.availability = "drain"; });
        c.run(1 * s);
        CHECK(c.count("web", TaskState::running) == 0);
        CHECK(c.count("web", TaskState::pending) == 0);
        c.node([](NodeFacts& n) { n.node.availability = "active"; });
        REQUIRE(c.until_running("web", 1));
    }
}

TEST_CASE("a global task that the node has no room for is pending, with the bare reason") {
    Cluster c;
    ServiceSpec spec = global();
    spec.task.resources = Resources{{}, ResourceReservations{500'000'000'000, 0, {}}, {}, {}};
    c.deploy("web", spec);
    CHECK(c.ps("web") == Lines{"0 running pending \"insufficient resources on 1 node\""});
}

TEST_CASE("a paused node keeps its global task, and gets no new one and no update") {
    Cluster c;
    ServiceSpec spec = global();
    spec.update_config = quick();
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 1));
    c.node([](NodeFacts& n) { n.node.availability = "pause"; });
    c.deploy("web", spec, v2);
    c.deploy("other", spec);
    c.run(5 * s);
    CHECK(c.ps("web") == Lines{"0 running running"});
    CHECK(c.tasks("other").empty());
    c.node([](NodeFacts& n) { n.node.availability = "active"; });
    REQUIRE(c.until_running("other", 1));
    REQUIRE(c.until_status("web", "completed"));
    CHECK(c.starts("v2") == 1);
}
