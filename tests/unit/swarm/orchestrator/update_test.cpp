#include "cluster.hpp"

using namespace davit::test;
using namespace davit::swarm;

namespace {
struct Rolling {
    const char* what;
    std::uint64_t replicas, parallelism;
    std::int64_t delay;
    const char* order;
    int fewest, most;
    const char* slot; // each slot's own sequence
};
} // namespace

TEST_CASE("a rolling update goes in the order, the number at once and with the delay that it is told") {
    const char* one = "v1 start, v1 stop, v2 start";
    const char* other = "v1 start, v2 start, v1 stop";
    const Rolling rows[] = {
        {"defaults: one after another, stop-first", 3, 1, 0, "", 2, 3, one},
        {"delay", 3, 1, 3 * s, "", 2, 3, one},
        {"stop-first, two at once", 4, 2, 2 * s, "stop-first", 2, 4, one},
        {"parallelism 0: all at once", 3, 0, 0, "stop-first", 0, 3, one},
        {"more at once than there are", 2, 9, 0, "stop-first", 0, 2, one},
        {"start-first", 2, 1, 1 * s, "start-first", 2, 3, other},
        {"start-first, two at once", 2, 2, 0, "start-first", 2, 4, other},
        {"start-first, all at once", 3, 0, 0, "start-first", 3, 6, other},
    };
    for (const bool reboots : both)
        for (const Rolling& row : rows) {
            CAPTURE(row.what);
            CAPTURE(reboots);
            Cluster c(reboots);
            ServiceSpec spec = replicated(row.replicas);
            spec.update_config = quick();
            spec.update_config->parallelism = row.parallelism;
            spec.update_config->delay = row.delay;
            spec.update_config->order = row.order;
            c.deploy("web", spec);
            REQUIRE(c.until_running("web", row.replicas));
            CHECK(c.status("web") == "-");
            c.watch_alive();
            c.deploy("web", spec, v2);
            CHECK(c.status("web") == "updating: update in progress");
            CHECK(c.service("web").update_status->started_at == c.now);
            REQUIRE(c.until_status("web", "completed"));
            c.run(1 * s);
            CHECK(c.status("web") == "completed: update completed");
            CHECK(c.alive() == std::pair{row.fewest, row.most});
            std::string slots;
            for (std::uint64_t i = 1; i <= row.replicas; ++i) slots += std::to_string(i) + ": " + row.slot + "\n";
            CHECK(c.slots() == slots);
            const auto times = c.start_times("v2");
            const std::size_t step = row.parallelism == 0 ? row.replicas : row.parallelism;
            for (std::size_t i = step; i < times.size(); ++i) CHECK(times[i] - times[i - step] >= row.delay);
            CHECK(c.service("web").previous->task.container.env == std::vector<std::string>{"V=v1"});
            CHECK(c.orchestrator->next_time() == 0);
        }
}

TEST_CASE("an update is complete one monitor time after the last task runs, not before") {
    for (const bool reboots : both)
        for (const auto& [delay, monitor, wait] :
             {std::tuple{0 * s, 4 * s, 4 * s}, {2 * s, 4 * s, 6 * s}, {3 * s, 1 * s, 7 * s}}) {
            CAPTURE(delay);
            Cluster c(reboots);
            ServiceSpec spec = replicated(1);
            spec.update_config = quick(monitor);
            spec.update_config->delay = delay; // as long as monitor or longer: one second more than it
            c.deploy("web", spec);
            REQUIRE(c.until_running("web", 1));
            c.deploy("web", spec, v2);
            REQUIRE(c.until([&] { return c.starts("v2") == 1; }));
            const std::int64_t began = c.now;
            REQUIRE(c.until_status("web", "completed"));
            CHECK(c.now - began == wait);
            CHECK(c.service("web").update_status->completed_at == c.now);
        }
}

TEST_CASE("what differs decides whether tasks are replaced") {
    struct Row {
        const char* what;
        void (*change)(ServiceSpec&);
        bool dirty;
    };
    const Row rows[] = {
        {"nothing", [](ServiceSpec&) {}, false},
        {"labels of the service", [](ServiceSpec& x) { x.labels["a"] = "b"; }, false},
        {"update_config", [](ServiceSpec& x) { x.update_config->parallelism = 2; }, false},
        {"rollback_config", [](ServiceSpec& x) { x.rollback_config = UpdateConfig{}; }, false},
        {"replicas", [](ServiceSpec& x) { x.mode.replicas = 3; }, false},
        {"a constraint that the node meets",
         [](ServiceSpec& x) {
             x.task.placement = Placement{{"node.role == manager"}, {}, 0, {}};
         },
         false},
        {"a preference",
         [](ServiceSpec& x) {
             x.task.placement = Placement{{}, {"node.labels.zone"}, 0, {}};
         },
         false},
        {"a constraint that it does not meet",
         [](ServiceSpec& x) {
             x.task.placement = Placement{{"node.role == worker"}, {}, 0, {}};
         },
         true},
        {"image", [](ServiceSpec& x) { x.task.container.image = "busybox:2"; }, true},
        {"labels of the containers", [](ServiceSpec& x) { x.task.container.labels["a"] = "b"; }, true},
        {"restart policy",
         [](ServiceSpec& x) {
             x.task.restart_policy = RestartPolicy{"any", {}, {}, {}};
         },
         true},
        {"stop grace period", [](ServiceSpec& x) { x.task.container.stop_grace_period = s; }, true},
        {"limits",
         [](ServiceSpec& x) {
             x.task.resources = Resources{ResourceLimits{1, 0, 0}, {}, {}, {}};
         },
         true},
        {"ports",
         [](ServiceSpec& x) {
             x.endpoint = EndpointSpec{"", {{"", "tcp", 80, 8080, "ingress"}}};
         },
         true},
        {"force_update", [](ServiceSpec& x) { x.task.force_update = 1; }, true},
    };
    for (const bool reboots : both)
        for (const Row& row : rows) {
            CAPTURE(row.what);
            Cluster c(reboots);
            ServiceSpec spec = replicated(2);
            spec.update_config = quick();
            c.deploy("web", spec);
            REQUIRE(c.until_running("web", 2));
            row.change(spec);
            c.deploy("web", spec);
            CHECK((c.status("web") != "-") == row.dirty);
            c.run(10 * s);
            CHECK((c.tasks("web").size() > spec.mode.replicas.value()) == row.dirty);
        }
}

TEST_CASE("going back to what tasks already are restarts nothing") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(3);
        spec.update_config = quick();
        spec.update_config->delay = 10 * s;
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 3));
        c.deploy("web", spec, v2);
        REQUIRE(c.until([&] { return c.starts("v2") == 1; }));
        c.deploy("web", spec, v1); // a third version, the same as the first: slots 2 and 3 have it
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.starts("v1") == 4);
        CHECK(c.slots() == "1: v1 start, v1 stop, v2 start, v2 stop, v1 start\n2: v1 start\n3: v1 start\n");
        CHECK(c.service("web").kept.size() <= 1);
    }
}

TEST_CASE("--force restarts without a change, and another update without one does not") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(2);
        spec.update_config = quick();
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 2));
        c.force("web");
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.starts("v1") == 4);
        c.deploy("web", c.service("web").spec);
        c.run(5 * s);
        CHECK(c.starts("v1") == 4);
        CHECK(c.status("web") == "-");
    }
}

TEST_CASE("a second deploy during an update supersedes it; the version before is the one that was being rolled out") {
    for (const bool reboots : both)
        for (const char* order : {"stop-first", "start-first"}) {
            CAPTURE(order);
            Cluster c(reboots);
            ServiceSpec spec = replicated(3);
            spec.update_config = quick();
            spec.update_config->order = order;
            spec.update_config->delay = 2 * s;
            c.deploy("web", spec);
            REQUIRE(c.until_running("web", 3));
            c.deploy("web", spec, v2);
            c.run(1 * ms); // nothing of v2 runs yet
            spec.update_config->delay = 0;
            c.deploy("web", spec, v3);
            REQUIRE(c.until_status("web", "completed"));
            c.run(1 * s);
            // start-first: what was begun runs until it is replaced in its turn.
            CHECK(c.starts("v2") == (order == std::string("start-first") ? 1 : 0));
            CHECK(c.starts("v3") == 3);
            CHECK(c.count("web", TaskState::running) == 3);
            CHECK(c.service("web").previous->task.container.env == std::vector<std::string>{"V=v2"});
        }
}

TEST_CASE("replicas changed with the version, or during its update: what is new has the new version") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(1);
        spec.update_config = quick();
        spec.update_config->delay = 1 * s;
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 1));
        spec.mode.replicas = 2;
        c.deploy("web", spec, v2);
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.starts("v1") == 1);
        CHECK(c.starts("v2") == 2);
        c.deploy("web", spec, v3);
        REQUIRE(c.until([&] { return c.starts("v3") == 1; }));
        c.scale("web", 4);
        CHECK(c.status("web") == "updating: update in progress");
        REQUIRE(c.until_running("web", 4));
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.starts("v2") == 2);
        CHECK(c.starts("v3") == 4);
    }
}

TEST_CASE("stop-first waits for the end of the old task, but not longer than a minute") {
    for (const bool reboots : both)
        for (const auto& [stops, starts] : {std::pair{30 * s, 30 * s}, {90 * s, 60 * s}, {never, 60 * s}}) {
            Cluster c(reboots);
            ServiceSpec spec = replicated(1);
            spec.update_config = quick();
            Program old = v1;
            old.stops_in = stops;
            c.deploy("web", spec, old);
            REQUIRE(c.until_running("web", 1));
            const std::int64_t began = c.now;
            c.deploy("web", spec, v2);
            REQUIRE(c.until([&] { return c.starts("v2") == 1; }));
            CHECK(c.now - began >= starts);
            CHECK(c.now - began < starts + s);
        }
}

TEST_CASE("start-first with a port of the host cannot go on: the old task has it") {
    Cluster c;
    ServiceSpec spec = replicated(1);
    spec.endpoint = EndpointSpec{"", {{"", "tcp", 80, 8080, "host"}}};
    spec.update_config = quick();
    spec.update_config->order = "start-first";
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 1));
    c.deploy("web", spec, v2);
    c.run(60 * s);
    CHECK(c.ps("web") ==
          std::vector<std::string>{"1 running pending \"no suitable node (host-mode port already in use on 1 node)\"",
                                   "1 running running"});
    spec.update_config->order = "stop-first";
    c.deploy("web", spec, v3);
    REQUIRE(c.until_status("web", "completed"));
    CHECK(c.starts("v3") == 1);
}

TEST_CASE("a task that waits for its restart is taken by an update as it is, without the rest of its delay") {
    Cluster c;
    ServiceSpec spec = replicated(1);
    spec.task.restart_policy = RestartPolicy{"any", 60 * s, {}, {}};
    spec.update_config = quick();
    spec.update_config->order = "start-first";
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 1));
    Program broken = v2;
    broken.start_error = "no such file";
    c.deploy("web", spec, broken);
    REQUIRE(c.until_status("web", "paused"));
    c.run(1 * s);
    CHECK(c.count("web", TaskState::failed) == 1);
    c.deploy("web", spec, broken); // nothing new, but two tasks in the slot
    c.run(1 * s);
    CHECK(c.count("web", TaskState::failed) == 2);
    CHECK(c.count("web", TaskState::shutdown) == 1);
}
