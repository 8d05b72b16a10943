#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;

namespace {
ServiceSpec two_replicas() {
    ServiceSpec spec = replicated(2);
    spec.update_config = quick();
    spec.rollback_config = quick();
    return spec;
}
std::vector<std::string> env(const char* version) { return {std::string("V=") + version}; }
} // namespace

TEST_CASE("service rollback swaps the versions, and a second one swaps them again") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = two_replicas();
        spec.rollback_config->parallelism = 0;
        c.deploy("web", spec);
        CHECK_FALSE(c.rollback("web"));
        REQUIRE(c.until_running("web", 2));
        c.deploy("web", spec, v2);
        REQUIRE(c.until_status("web", "completed"));
        for (const auto& [now, before] : {std::pair{"v1", "v2"}, {"v2", "v1"}}) {
            REQUIRE(c.rollback("web"));
            CHECK(c.service("web").spec.task.container.env == env(now));
            CHECK(c.service("web").previous->task.container.env == env(before));
            REQUIRE(c.until_status("web", "rollback_completed"));
            CHECK(c.status("web") == "rollback_completed: rollback completed");
        }
        CHECK(c.slots() == "1: v1 start, v1 stop, v2 start, v2 stop, v1 start, v1 stop, v2 start\n"
                           "2: v1 start, v1 stop, v2 start, v2 stop, v1 start, v1 stop, v2 start\n");
    }
}

TEST_CASE("rollback_config decides order, number at once and delay of the way back") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = two_replicas();
        spec.rollback_config->parallelism = 2;
        spec.rollback_config->order = "start-first";
        spec.rollback_config->failure_action = "continue";
        spec.rollback_config->max_failure_ratio = 0.2;
        spec.rollback_config->delay = 1 * s;
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 2));
        c.deploy("web", spec, v2);
        REQUIRE(c.until_status("web", "completed"));
        c.watch_alive();
        REQUIRE(c.rollback("web"));
        REQUIRE(c.until_status("web", "rollback_completed"));
        CHECK(c.alive() == std::pair{2, 4});
        CHECK(c.slots() == "1: v1 start, v1 stop, v2 start, v1 start, v2 stop\n"
                           "2: v1 start, v1 stop, v2 start, v1 start, v2 stop\n");
    }
}

TEST_CASE("a rollback of replicas alone replaces nothing and is complete at once") {
    Cluster c;
    c.deploy("web", two_replicas());
    REQUIRE(c.until_running("web", 2));
    c.scale("web", 3);
    REQUIRE(c.until_running("web", 3));
    REQUIRE(c.rollback("web"));
    CHECK(c.status("web") == "rollback_completed: rollback completed");
    REQUIRE(c.until_running("web", 2));
    CHECK(c.starts("v1") == 3);
}

TEST_CASE("a rollback starts again what has ended for good") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = two_replicas();
        spec.mode.replicas = 1;
        spec.task.restart_policy = RestartPolicy{"none", {}, {}, {}};
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 1));
        Program ends = v2;
        ends.runs = 3 * s;
        c.deploy("web", spec, ends);
        c.run(10 * s);
        CHECK(c.count("web", TaskState::running) == 0);
        REQUIRE(c.rollback("web"));
        REQUIRE(c.until_running("web", 1));
        CHECK(c.starts("v1") == 2);
    }
}

TEST_CASE("a rollback starts again a task of the same version that has ended for good") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = two_replicas();
        spec.task.restart_policy = RestartPolicy{"none", {}, {}, {}};
        Program ending = v1, broken = v2;
        ending.runs = 8 * s;
        broken.start_error = "no such file";
        c.deploy("web", spec, ending);
        REQUIRE(c.until_running("web", 2));
        c.deploy("web", spec, broken);
        REQUIRE(c.until_status("web", "paused"));
        c.run(20 * s);
        REQUIRE(c.rollback("web"));
        REQUIRE(c.until_running("web", 2));
        CHECK(c.starts("v1") == 4);
    }
}

TEST_CASE("a roll-back that is asked for again, because nobody answered the first time, is done") {
    Service seen;
    seen.version = seen.spec_version = 4;
    seen.previous_spec_version = 2;
    seen.previous = ServiceSpec{};
    Service now = seen;
    CHECK(!is_rolled_back(now, seen));
    REQUIRE(roll_back(now, s));
    CHECK(is_rolled_back(now, seen));
    change_spec(now, ServiceSpec{}, 0, 2 * s); // by somebody else, meanwhile
    CHECK(!is_rolled_back(now, seen));
}
