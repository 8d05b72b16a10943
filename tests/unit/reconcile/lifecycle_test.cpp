#include "reconcile/lifecycle.hpp"

#include "davit/error.hpp"
#include "fixture.hpp"
#include "reconcile/labels.hpp"

using namespace davit;
using davit::test::depends;
using davit::test::World;

namespace {
struct Shop : World {
    Shop() {
        service("db");
        service("web").depends_on["db"] = depends(DependencyCondition::healthy, true);
        service("job").depends_on["db"] = depends(DependencyCondition::started);
        container("db", 1);
        container("web", 1);
        container("job", 1, ContainerState::exited);
    }
    Scene scene() const { return {observed, &project}; }
    ObservedContainer& of(const std::string& name) {
        for (auto& c : observed.containers)
            if (c.record.service == name) return c;
        throw Error(Errc::failed, name);
    }
};
std::string text(const Plan& plan) { return "\n" + to_text(plan); }
} // namespace

TEST_CASE("stop goes against the dependencies and leaves what has ended") {
    Shop w;
    CHECK(text(plan_stop(w.scene(), {})) == R"(
[] -> #1 service:web:1, stop container: stop
[1] -> #2 service:db:1, stop container: stop
)");
    CHECK(text(plan_stop(w.scene(), {{"db"}, {}})) == "\n[] -> #1 service:db:1, stop container: stop\n");
    CHECK(plan_stop(w.scene(), {{"nosuch"}, {}}).empty());
}

TEST_CASE("without a compose file the labels of the containers give the order") {
    Shop w;
    w.of("web").record.labels[label::depends_on] = "db:service_healthy:true";
    CHECK(text(plan_stop({w.observed, nullptr}, {})) == R"(
[] -> #1 service:web:1, stop container: stop
[1] -> #2 service:db:1, stop container: stop
)");
}

TEST_CASE("stop with a timeout passes it on") {
    Shop w;
    const Plan plan = plan_stop(w.scene(), {{"db"}, std::chrono::seconds(3)});
    CHECK(plan.operations[0].timeout_ns == 3'000'000'000);
}

TEST_CASE("start brings the dependencies and waits for their conditions") {
    Shop w;
    w.of("db").status.state = ContainerState::exited;
    w.of("web").status.state = ContainerState::created;
    CHECK(text(plan_start(w.scene(), {{"web"}})) == R"(
[] -> #1 service:db:1, start container: it is exited
[1] -> #2 service:db, wait container: dependents wait for it
[2] -> #3 service:web:1, start container: it is created
)");
}

TEST_CASE("start of running services is nothing, of missing ones an error") {
    Shop w;
    w.of("job").status.state = ContainerState::running;
    CHECK(plan_start(w.scene(), {}).empty());
    w.service("new");
    CHECK(plan_start(w.scene(), {}).empty());
    CHECK(plan_start(w.scene(), {{"new"}}).empty());
    CHECK_THROWS_WITH_AS(plan_start(w.scene(), {{"nosuch"}}), "no such service: nosuch", Error);
}

TEST_CASE("start in a project that has no container names the service that lacks one") {
    Shop w;
    w.observed.containers.clear();
    CHECK_THROWS_WITH_AS(plan_start(w.scene(), {{"db"}}), "service \"db\" has no container to start", Error);
}

TEST_CASE("start --wait waits for health where there is a check, else for half a second of life") {
    Shop w;
    w.of("db").record.healthcheck.emplace();
    const Plan plan = plan_start(w.scene(), {{"web"}, true, std::chrono::seconds(5)});
    REQUIRE(plan.operations.size() == 2);
    CHECK(plan.operations[0].condition == WaitCondition::healthy);
    CHECK(plan.operations[1].condition == WaitCondition::started);
    CHECK(plan.operations[1].timeout_ns == 5'000'000'000);
}

TEST_CASE("restart takes along those that ask for it, after their dependency") {
    Shop w;
    CHECK(text(plan_restart(w.scene(), {{"db"}})) == R"(
[] -> #1 service:db:1, restart container: restart
[1] -> #2 service:db, wait container: dependents wait for it
[2] -> #3 service:web:1, restart container: restart
)");
    CHECK(plan_restart(w.scene(), {{"db"}, true}).operations.size() == 1);
    CHECK_THROWS_AS(plan_restart(w.scene(), {{"nosuch"}}), Error);
}

TEST_CASE("kill reaches what runs, with the signal asked for") {
    Shop w;
    const Plan plan = plan_kill(w.scene(), {{}, "SIGUSR1"});
    REQUIRE(plan.operations.size() == 2);
    CHECK(plan.operations[0].signal == "SIGUSR1");
    CHECK(plan_kill(w.scene(), {{"job"}}).empty());
}

TEST_CASE("pausing what is paused and resuming what runs are conflicts") {
    Shop w;
    CHECK(plan_pause(w.scene(), {}).operations.size() == 2);
    CHECK_THROWS_AS(plan_unpause(w.scene(), {"db"}), Error);
    CHECK_THROWS_WITH_AS(plan_pause(w.scene(), {"nosuch"}), "no such service: nosuch", Error);
    CHECK(plan_pause({w.observed}, {"nosuch"}).operations.empty()); // without a file, as Docker Compose
    w.of("db").status.state = ContainerState::paused;
    CHECK_THROWS_WITH_AS(plan_pause(w.scene(), {"db"}), "container p-db-1 is already paused", Error);
    CHECK(plan_unpause(w.scene(), {"db"}).operations.size() == 1);
}

TEST_CASE("rm takes what has ended, with --stop also what runs") {
    Shop w;
    CHECK(text(plan_rm(w.scene(), {})) == "\n[] -> #1 service:job:1, remove container: rm\n");
    CHECK(text(plan_rm(w.scene(), {{}, true, true})) == R"(
[] -> #1 service:web:1, stop container: rm --stop
[1] -> #2 service:db:1, stop container: rm --stop
[2] -> #3 service:db:1, remove container: rm
[1] -> #4 service:web:1, remove container: rm
[] -> #5 service:job:1, remove container: rm
)");
}

TEST_CASE("down removes containers against the dependencies, then networks, volumes only when asked") {
    Shop w;
    w.existing_network("default");
    w.observed.networks["p_default"].compose_name = "default";
    w.existing_volume("data");
    CHECK(text(plan_down(w.scene(), {}).plan) == R"(
[] -> #1 service:web:1, stop container: down
[1] -> #2 service:web:1, remove container: down
[] -> #3 service:job:1, remove container: down
[2,3] -> #4 service:db:1, stop container: down
[4] -> #5 service:db:1, remove container: down
[2,3,5] -> #6 network:default, remove network: down
)");
    DownOptions volumes;
    volumes.volumes = true;
    const Plan plan = plan_down(w.scene(), volumes).plan;
    CHECK(plan.operations.back().kind == OpKind::remove_volume);
    CHECK(plan.operations.back().volume == "p_data");
    CHECK(plan.operations[1].remove_volumes);
}

TEST_CASE("down of one service leaves the rest and the network") {
    Shop w;
    w.existing_network("default");
    for (auto& c : w.observed.containers) c.record.endpoints.push_back({"p_default", "default"});
    DownOptions one;
    one.services = {"web"};
    const DownPlan down = plan_down(w.scene(), one);
    CHECK(down.plan.operations.size() == 2);
    CHECK(down.warnings.empty());
}

TEST_CASE("down leaves orphans, services of inactive profiles and one-offs, which are asked for by --remove-orphans") {
    Shop w;
    w.project.disabled_services["prof"].name = "prof";
    w.container("prof", 1);
    w.container("old", 1);
    w.container("db", 0).record.oneoff = true;
    w.container("db", 0, ContainerState::exited).record.oneoff = true;
    DownPlan down = plan_down(w.scene(), {});
    CHECK(down.warnings.size() == 1);
    CHECK(down.plan.seen.size() == 3);
    DownOptions orphans;
    orphans.remove_orphans = true;
    CHECK(plan_down(w.scene(), orphans).plan.seen.size() == 6);
    CHECK(plan_down({w.observed, nullptr}, {}).plan.seen.size() == 5); // by its name alone the services are those seen
    CHECK(plan_down({w.observed, nullptr}, orphans).plan.seen.size() == 7);
}

TEST_CASE("a network goes when what is left of it does not run") {
    Shop w;
    w.existing_network("default");
    w.container("db", 0, ContainerState::exited).record.oneoff = true;
    w.observed.containers.back().record.endpoints.push_back({"p_default", "default"});
    CHECK(plan_down(w.scene(), {}).plan.operations.back().kind == OpKind::remove_network);
    w.container("db", 0).record.oneoff = true;
    w.observed.containers.back().record.endpoints.push_back({"p_default", "default"});
    CHECK(plan_down(w.scene(), {}).warnings == std::vector<std::string>{"Network p_default Resource is still in use"});
}

TEST_CASE("kill reaches one-offs, rm does not") {
    Shop w;
    w.container("db", 0).record.oneoff = true;
    const std::string running = w.observed.containers.back().record.id;
    w.container("db", 0, ContainerState::exited).record.oneoff = true;
    const std::string ended = w.observed.containers.back().record.id;
    const auto touches = [](const Plan& plan, const std::string& id) {
        return std::any_of(plan.operations.begin(), plan.operations.end(),
                           [&](const auto& op) { return op.container_id == id; });
    };
    CHECK(touches(plan_kill(w.scene(), {}), running));
    CHECK_FALSE(touches(plan_kill(w.scene(), {}), ended));
    RmOptions stopping;
    stopping.stop = true;
    CHECK_FALSE(touches(plan_rm(w.scene(), stopping), running));
    CHECK_FALSE(touches(plan_rm(w.scene(), stopping), ended));
}

TEST_CASE("start by a name that has no containers says so") {
    ObservedState nothing;
    nothing.project = "p";
    CHECK_THROWS_AS(plan_start({nothing, nullptr}, {}), Error);
}

TEST_CASE("a network or volume that another project uses stays, with a warning") {
    Shop w;
    w.existing_network("default");
    w.existing_volume("data");
    w.observed.networks_in_use = {"p_default"};
    w.observed.volumes_in_use = {"p_data"};
    DownOptions all;
    all.volumes = true;
    const DownPlan down = plan_down(w.scene(), all);
    CHECK(down.warnings == std::vector<std::string>{"Network p_default Resource is still in use",
                                                    "Volume p_data Resource is still in use"});
}

TEST_CASE("without a compose file containers stop without their hooks, as in Compose") {
    World w;
    w.service("a");
    w.container("a", 1).record.pre_stop.emplace_back();
    for (const bool with_file : {true, false}) {
        const Project* model = with_file ? &w.project : nullptr;
        const Plan down = plan_down({w.observed, model}, {}).plan;
        const Plan restart = plan_restart({w.observed, model}, {});
        CHECK(down.operations.at(0).skip_hooks == !with_file);
        CHECK(restart.operations.at(0).skip_hooks == !with_file);
    }
}
