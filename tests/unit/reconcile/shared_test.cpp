// Containers that use what other containers have, and containers whose service was not asked for.
#include "davit/error.hpp"
#include "fixture.hpp"

using namespace davit;
using davit::test::depends;
using davit::test::World;

namespace {

const std::string old_id = std::string(60, 'f') + "0001";

// A `base` that is up to date, and the service `s` that was made with another one.
struct Sharers : World {
    Service& s = service("s");
    std::string base_id;
    explicit Sharers(bool fresh = false) {
        service("base");
        s.depends_on["base"] = depends(DependencyCondition::started, true);
        base_id = container("base", 1).record.id;
        had = fresh ? base_id : old_id;
    }
    std::string had;
    ContainerRecord& sharer() { return container("s", 1).record; }
};

const char* const recreated = R"(
[] -> #1 service:s:1, stage container: 'base' is another container now
[1] -> #2 service:s:1, create container: 'base' is another container now
[2] -> #3 service:s:1, stop container: 'base' is another container now
[2,3] -> #4 service:s:1, remove container: 'base' is another container now
[4] -> #5 service:s:1, rename container: 'base' is another container now
[5] -> #6 service:s:1, start container: created
)";

} // namespace

TEST_CASE("whoever shares something with another container is made anew when that one is another container now") {
    for (const bool fresh : {false, true}) {
        const std::string expect = fresh ? "\n" : recreated;
        Sharers net(fresh), ipc(fresh), pid(fresh), volumes(fresh);
        net.s.network_mode = "service:base";
        net.sharer().network_mode = "container:" + net.had;
        CHECK(net.plan() == expect);
        ipc.s.ipc = "service:base";
        ipc.sharer().ipc_mode = "container:" + ipc.had;
        CHECK(ipc.plan() == expect);
        pid.s.pid = "service:base";
        pid.sharer().pid_mode = "container:" + pid.had;
        CHECK(pid.plan() == expect);
        volumes.s.volumes_from = {"base:ro"};
        volumes.sharer().volumes_from = {volumes.had};
        CHECK(volumes.plan() == expect);
    }
}

TEST_CASE("what is shared with a service that has no container is missing") {
    const std::pair<std::string Service::*, const char*> modes[] = {{&Service::network_mode, "network namespace"},
                                                                    {&Service::ipc, "IPC namespace"},
                                                                    {&Service::pid, "PID namespace"}};
    for (const auto& [mode, noun] : modes) {
        World w;
        w.service("s").*mode = "service:base";
        CHECK_THROWS_WITH_AS(
            w.plan(), (std::string("cannot share ") + noun + " with service base: container missing").c_str(), Error);
    }
    World w;
    w.service("s").volumes_from = {"base:ro"};
    CHECK_THROWS_WITH_AS(w.plan(), "cannot share volume with service base: container missing", Error);
    w.service("base"); // brought up as well
    CHECK_NOTHROW(w.plan());

    World kept;
    kept.service("s").network_mode = "service:base";
    kept.container("s", 1);
    CHECK_THROWS_AS(kept.plan(), Error);
    kept.options.recreate = kept.options.recreate_dependencies = Recreate::never;
    CHECK(kept.plan() == "\n"); // --no-recreate asks nothing of what is there

    World leaving;
    leaving.service("s").network_mode = "service:base";
    leaving.service("base").scale = 0;
    leaving.container("base", 1); // it goes with this plan
    CHECK_THROWS_AS(leaving.plan(), Error);
}

TEST_CASE("a record that does not tell whose volumes it has is left alone") {
    Sharers w;
    w.s.volumes_from = {"base"};
    w.sharer();
    CHECK(w.plan() == "\n");
}

TEST_CASE("the donor is looked for also when its service was not asked for") {
    Sharers w;
    w.s.pid = "service:base";
    w.sharer().pid_mode = "container:" + old_id;
    w.s.depends_on.clear();
    w.project.disabled_services.insert(w.project.services.extract("base"));
    CHECK(w.plan() == recreated);
}

TEST_CASE("container:NAME follows a container of another project") {
    for (const char* id : {"old", "new"}) {
        World w;
        w.service("s").ipc = "container:other-x-1";
        w.container("s", 1).record.ipc_mode = "container:new";
        ObservedContainer foreign;
        foreign.record.id = id;
        w.observed.foreign["other-x-1"] = foreign;
        const bool same = std::string(id) == "new";
        CHECK((w.plan() == "\n") == same);
        if (!same) CHECK(w.result.plan.operations.front().cause == "'other-x-1' is another container now");
    }
}

TEST_CASE("container:NAME of the project's own container comes after that and is made anew with it") {
    World w;
    w.service("base");
    Service& s = w.service("a"); // before base by name
    s.pid = "container:p-base-1";
    w.service("vol").volumes_from = {"container:p-base-1:ro"};
    const std::string base = w.container("base", 1).record.id;
    w.observed.containers.back().record.config_hash = "old";
    w.container("a", 1).record.pid_mode = "container:" + base;
    w.container("vol", 1).record.volumes_from = {base};
    depend_on_named_containers(w.project);
    CHECK(s.depends_on.at("base").restart);
    CHECK_FALSE(w.project.services.at("vol").depends_on.at("base").restart);
    w.plan();
    REQUIRE(w.result.containers.size() == 3);
    CHECK(w.result.containers[0].service == "base");
    CHECK(w.result.plan.operations[2].cause == "'base' is recreated");
}

TEST_CASE("container:NAME makes no cycle, and of a name that nobody has nothing") {
    World w;
    w.service("base").depends_on["a"] = depends(DependencyCondition::started);
    w.service("a").pid = "container:p-base-1";
    w.service("b").ipc = "container:p-base-x";
    w.service("c").container_name = "mine";
    w.service("d").network_mode = "container:mine";
    w.service("e").network_mode = "container:p-c-1"; // c's containers are not called so
    depend_on_named_containers(w.project);
    CHECK(w.project.services.at("a").depends_on.empty());
    CHECK(w.project.services.at("b").depends_on.empty());
    CHECK(w.project.services.at("d").depends_on.count("c") == 1);
    CHECK(w.project.services.at("e").depends_on.empty());
}

TEST_CASE("a running sharer whose service was not asked for is named when its donor is made anew") {
    World w;
    w.service("base");
    const std::string base = w.container("base", 1).record.id;
    w.observed.containers.back().record.config_hash = "old";
    w.container("n", 1).record.network_mode = "container:" + base;
    w.container("v", 1, ContainerState::exited).record.volumes_from = {base};
    w.container("other", 1).record.pid_mode = "container:" + old_id;
    for (const char* name : {"n", "v", "other"}) w.project.disabled_services[name].name = name;
    w.plan();
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("container p-n-1 shares the network of p-base-1") == 0);
}

TEST_CASE("a changed network restarts those too whose service was not asked for") {
    World w;
    w.network("default");
    w.existing_network("default", "old");
    w.service("a").networks["default"];
    w.container("a", 1);
    w.container("b", 1).record.endpoints.push_back({"p_default", "default"});
    w.container("c", 1, ContainerState::exited).record.endpoints.push_back({"p_default", "default"});
    for (const char* name : {"b", "c"}) w.project.disabled_services[name].name = name;
    CHECK(w.plan() == R"(
[] -> #1 service:a:1, stop container: network 'default' changed
[] -> #2 service:b:1, stop container: network 'default' changed
[1,2] -> #3 network:default, remove network: configuration changed
[3] -> #4 network:default, create network: configuration changed
[1,4] -> #5 service:a:1, start container: stopped by this plan
[2,4] -> #6 service:b:1, start container: stopped by this plan
)");
}

TEST_CASE("an orphan that is removed is not started again, one that stays is") {
    for (const bool remove : {false, true}) {
        World w;
        w.network("default");
        w.existing_network("default", "old");
        w.service("a").networks["default"];
        w.container("gone", 1).record.endpoints.push_back({"p_default", "default"});
        w.options.remove_orphans = remove;
        const std::string plan = w.plan();
        CHECK((plan.find("service:gone:1, start container") == std::string::npos) == remove);
        CHECK((plan.find("service:gone:1, remove container") != std::string::npos) == remove);
    }
}

TEST_CASE("a network that a running one-off uses stays as it is, with a word") {
    World w;
    w.network("default");
    w.existing_network("default", "old");
    w.service("a").networks["default"];
    w.container("a", 1);
    ContainerRecord& run = w.container("a", 2).record;
    run.oneoff = true;
    run.name = "p-a-run-1";
    CHECK(w.plan() == "\n");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("one-off container p-a-run-1 uses it") != std::string::npos);
}

TEST_CASE("a changed volume is kept when somebody uses it whose service was not asked for") {
    World w;
    w.volume("data");
    w.existing_volume("data", "old");
    w.options.recreate_volumes = true;
    w.mount(w.service("a"), "data", "/d");
    w.container("a", 1);
    w.container("b", 1, ContainerState::exited).record.mounts.push_back({"volume", "p_data", "", "/d"});
    w.project.disabled_services["b"].name = "b";
    CHECK(w.plan() == "\n");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("since container p-b-1 uses it") != std::string::npos);
}

TEST_CASE("run --volume of a name that no file has makes a volume of that name once") {
    World w;
    OneOff run;
    run.service = w.service("a");
    run.name = "p-a-run-1";
    run.own_volumes = {"mine"};
    w.project.disabled_services.insert(w.project.services.extract("a"));
    w.volume("mine");
    w.project.volumes["mine"].name = "mine";
    w.project.volumes["mine"].external = true;
    w.options.oneoff = std::make_shared<OneOff>(run);
    CHECK(w.plan().find("[] -> #1 volume:mine, create volume: not found\n") == 1);
    CHECK(w.result.plan.operations[0].volume == "mine");
    w.observed.volumes["mine"].name = "mine";
    CHECK(w.plan().find("create volume") == std::string::npos);
    w.observed.volumes.clear();
    w.options.oneoff.reset();
    CHECK_THROWS_WITH_AS(w.plan(), "external volume \"mine\" not found", Error);
}
