#include "cluster.hpp"

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
