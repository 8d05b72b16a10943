#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;
using Lines = std::vector<std::string>;

namespace {
Program checked(const char* name, std::int64_t healthy_after) {
    return {.name = name, .healthy_after = healthy_after, .rejected = {}, .start_error = {}};
}
ServiceSpec gated(std::uint64_t replicas, const char* action = "", const char* order = "") {
    ServiceSpec spec = replicated(replicas);
    spec.update_config = quick();
    spec.update_config->failure_action = action;
    spec.update_config->order = order;
    spec.task.restart_policy = RestartPolicy{"any", 1 * s, {}, {}};
    return spec;
}
} // namespace

TEST_CASE("a task is starting until it is healthy") {
    Cluster c;
    c.deploy("web", gated(1), checked("v1", 3 * s));
    c.run(2 * s);
    CHECK(c.ps("web") == Lines{"1 running starting"});
    c.run(2 * s);
    CHECK(c.ps("web") == Lines{"1 running running"});
}

TEST_CASE("a task that never gets healthy fails and is replaced") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", gated(1), checked("v1", never));
        c.run(4 * s);
        CHECK(c.ps("web") == Lines{"1 running starting", "1 shutdown failed \"task: unhealthy container\""});
    }
}

TEST_CASE("an update goes on only when the new task is healthy") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", gated(2), checked("v1", 3 * s));
        REQUIRE(c.until_running("web", 2));
        c.deploy("web", gated(2), checked("v2", 3 * s));
        REQUIRE(c.until_status("web", "completed"));
        const auto times = c.start_times("v2");
        REQUIRE(times.size() == 2);
        CHECK(times[1] - times[0] >= 3 * s);
    }
}

TEST_CASE("start-first: the old task goes when the new one is healthy, and stays when it never is") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", gated(1, "rollback", "start-first"), checked("v1", 2 * s));
        REQUIRE(c.until_running("web", 1));
        c.deploy("web", gated(1, "rollback", "start-first"), checked("v2", 2 * s));
        c.run(1900 * ms);
        CHECK(c.slots() == "1: v1 start, v2 start\n");
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.slots() == "1: v1 start, v2 start, v1 stop\n");
        c.deploy("web", gated(1, "rollback", "start-first"), checked("v3", never));
        REQUIRE(c.until_status("web", "rollback_completed"));
        c.run(5 * s);
        CHECK(c.slots() == "1: v1 start, v2 start, v1 stop, v3 start, v3 stop\n");
        CHECK(c.ps("web").back().find("running running") == std::string::npos);
        CHECK(c.count("web", TaskState::running) == 1);
    }
}

TEST_CASE("an update to a version that never gets healthy rolls back") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", gated(1, "rollback"), checked("v1", 1 * s));
        REQUIRE(c.until_running("web", 1));
        c.deploy("web", gated(1, "rollback"), checked("v2", never));
        REQUIRE(c.until_status("web", "rollback_completed"));
        REQUIRE(c.until_running("web", 1));
        CHECK(c.service("web").spec.task.container.env == std::vector<std::string>{"V=v1"});
        CHECK(c.slots() == "1: v1 start, v1 stop, v2 start, v2 stop, v1 start\n");
    }
}
