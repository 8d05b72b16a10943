#include "davit/error.hpp"
#include "fixture.hpp"
#include "model/ecs_task.hpp"
#include "reconcile/labels.hpp"

#include <algorithm>

using namespace davit;
using davit::test::depends;
using davit::test::World;

namespace {
const OpKind* kind_at(const Reconciled& r, std::size_t i) {
    return i < r.plan.operations.size() ? &r.plan.operations[i].kind : nullptr;
}
long count(const Reconciled& r, OpKind kind) {
    return std::count_if(r.plan.operations.begin(), r.plan.operations.end(),
                         [&](const auto& op) { return op.kind == kind; });
}
} // namespace

TEST_CASE("a first up makes networks, volumes and containers and starts them in dependency order") {
    World w;
    w.network("default");
    w.volume("data");
    Service& db = w.service("db");
    db.networks["default"];
    w.mount(db, "data", "/d");
    Service& web = w.service("web");
    web.networks["default"];
    web.depends_on["db"] = depends(DependencyCondition::healthy);
    CHECK(w.plan() == R"(
[] -> #1 network:default, create network: not found
[] -> #2 volume:data, create volume: not found
[] -> #3 service:db:1, stage container: no existing container
[1,2,3] -> #4 service:db:1, create container: no existing container
[] -> #5 service:web:1, stage container: no existing container
[1,2,5] -> #6 service:web:1, create container: no existing container
[4] -> #7 service:db:1, start container: created
[7] -> #8 service:db, wait container: dependents need it healthy
[6,8] -> #9 service:web:1, start container: created
)");
    CHECK(w.result.plan.operations[3].container_name == "p-db-1");
    CHECK(w.result.plan.operations[7].condition == WaitCondition::healthy);
    CHECK(w.result.plan.operations[7].wait_for == w.result.services.at("db"));
    CHECK(w.result.networks == std::vector<std::string>{"default"});
    CHECK(w.result.volumes == std::vector<std::string>{"data"});
}

TEST_CASE("a second up changes nothing") {
    World w;
    w.network("default");
    w.existing_network("default");
    w.service("web").networks["default"];
    w.container("web", 1);
    CHECK(w.plan() == "\n");
    CHECK(w.result.plan.empty());
}

TEST_CASE("stopped containers are started again, without being made anew") {
    World w;
    w.service("web");
    w.container("web", 1, ContainerState::exited);
    CHECK(w.plan() == "\n[] -> #1 service:web:1, start container: it is exited\n");
    CHECK(w.result.plan.seen.at(w.observed.containers[0].record.id) == 7);
}

TEST_CASE("without start, only creation is planned") {
    World w;
    w.options.start = false;
    w.service("web");
    CHECK(w.plan() == R"(
[] -> #1 service:web:1, stage container: no existing container
[1] -> #2 service:web:1, create container: no existing container
)");
}

TEST_CASE("a changed configuration recreates: the new one stands before the old one goes") {
    World w;
    w.service("web");
    w.container("web", 1).record.config_hash = "old";
    w.options.changes = [](const ObservedContainer&) { return "environment, image"; };
    CHECK(w.plan() == R"(
[] -> #1 service:web:1, stage container: configuration changed: environment, image
[1] -> #2 service:web:1, create container: configuration changed: environment, image
[2] -> #3 service:web:1, stop container: configuration changed: environment, image
[2,3] -> #4 service:web:1, remove container: configuration changed: environment, image
[4] -> #5 service:web:1, rename container: configuration changed: environment, image
[5] -> #6 service:web:1, start container: created
)");
    CHECK(w.result.plan.operations[1].container_name == "000000000000_p-web-1");
    CHECK(w.result.plan.operations[4].new_name == "p-web-1");
    CHECK(w.result.containers[0].replaces == &w.observed.containers[0]);
    CHECK_FALSE(w.result.plan.operations[3].remove_volumes);
}

TEST_CASE("services that exchange a host port or a fixed address start after the one that had it has stopped") {
    auto starts_after_stop_of = [](World& w, const std::string& service, std::size_t container) {
        w.plan();
        int stop = 0;
        for (const auto& op : w.result.plan.operations)
            if (op.kind == OpKind::stop_container && op.container_id == w.observed.containers[container].record.id)
                stop = op.id;
        for (const auto& op : w.result.plan.operations)
            if (op.kind == OpKind::start_container && op.resource == "service:" + service + ":1")
                return stop != 0 && std::count(op.after.begin(), op.after.end(), stop) == 1;
        return false;
    };
    auto port = [](const char* published, const char* host = "", const char* protocol = "") {
        Port p;
        p.target = 80;
        p.published = published;
        p.host_ip = host;
        p.protocol = protocol;
        return p;
    };
    World w;
    w.network("n");
    w.existing_network("n");
    Service& a = w.service("a");
    Service& b = w.service("b");
    b.networks["n"];
    w.container("a", 1).record.config_hash = "old";
    w.container("b", 1).record.config_hash = "old";
    w.options.remove_orphans = true;
    w.container("gone", 1);
    auto& held = w.observed.containers[1].record.ports;
    held = {{"", PortRange{8080, 8080}, 80, "tcp"}};
    CHECK_FALSE(starts_after_stop_of(w, "a", 1));
    for (const auto& [wanted, competes] : std::vector<std::pair<Port, bool>>{{port("8080"), true},
                                                                             {port("8079-8081"), true},
                                                                             {port("8081"), false},
                                                                             {port(""), false},
                                                                             {port("8080", "127.0.0.1"), true},
                                                                             {port("8080", "", "udp"), false}}) {
        CAPTURE(wanted.published + wanted.host_ip + wanted.protocol);
        a.ports = {wanted};
        CHECK(starts_after_stop_of(w, "a", 1) == competes);
        CHECK_FALSE(starts_after_stop_of(w, "a", 2));
    }
    held = {{"127.0.0.1", PortRange{8080, 8080}, 80, "tcp"}};
    a.ports = {port("8080", "127.0.0.2")};
    CHECK_FALSE(starts_after_stop_of(w, "a", 1));
    a.ports = {port("8080")};
    w.observed.containers[2].record.ports = {{"", PortRange{8000, 8090}, 80, "tcp"}};
    CHECK(starts_after_stop_of(w, "a", 2));

    a.ports.clear();
    a.networks["n"].emplace().ipv4_address = "10.0.0.9";
    w.observed.containers[1].record.endpoints[0].ipv4_address = "10.0.0.8";
    CHECK_FALSE(starts_after_stop_of(w, "a", 1));
    w.observed.containers[1].record.endpoints[0].ipv4_address = "10.0.0.9";
    CHECK(starts_after_stop_of(w, "a", 1));
}

TEST_CASE("a new image under the same name recreates") {
    World w;
    w.service("web");
    w.container("web", 1).record.image_id = "sha256:older";
    w.plan();
    REQUIRE(kind_at(w.result, 0));
    CHECK(w.result.plan.operations[0].cause == "image changed");
}

TEST_CASE("a new image that is mounted recreates, where the container tells which one it had") {
    World w;
    w.service("web");
    Labels& labels = w.container("web", 1).record.labels;
    w.image_volumes["web"] = label::image_volumes_text({{"/data", "sha256:2"}, {"/a", "sha256:0"}});
    CHECK(w.plan() == "\n");
    labels[label::image_volumes] = "/a=sha256:0,/data=sha256:2";
    CHECK(w.plan() == "\n");
    labels[label::image_volumes] = "/a=sha256:0,/data=sha256:1";
    w.plan();
    REQUIRE(kind_at(w.result, 0));
    CHECK(w.result.plan.operations[0].cause == "the image of a volume changed");
}

TEST_CASE("anonymous volumes are kept on recreate, unless they are to be renewed") {
    World w;
    w.service("web");
    w.container("web", 1).record.config_hash = "old";
    w.options.renew_anonymous_volumes = true;
    w.plan();
    CHECK(w.result.containers[0].replaces == nullptr);
    CHECK(w.result.plan.operations[3].remove_volumes);
}

TEST_CASE("no-recreate keeps a changed container and force-recreate replaces an unchanged one") {
    World w;
    w.service("web");
    w.container("web", 1).record.config_hash = "old";
    w.options.recreate = Recreate::never;
    CHECK(w.plan() == "\n");
    w.observed.containers[0].record.config_hash = "hash-web";
    w.options.recreate = Recreate::always;
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 1);
    CHECK(w.result.plan.operations[0].cause == "forced");
}

TEST_CASE("force-recreate of a named service leaves its dependencies, unless those are asked for too") {
    World w;
    w.service("db");
    w.service("web").depends_on["db"] = depends(DependencyCondition::started);
    w.container("db", 1);
    w.container("web", 1);
    w.options.targets = {"web"};
    w.options.recreate = Recreate::always;
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 1);
    CHECK(w.result.containers[0].service == "web");
    w.options.recreate = Recreate::diverged;
    w.options.recreate_dependencies = Recreate::always;
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 1);
    CHECK(w.result.containers[0].service == "db");
}

TEST_CASE("scaling up goes on after the highest number, scaling down removes the highest first") {
    World w;
    Service& web = w.service("web");
    w.container("web", 1);
    w.container("web", 3);
    web.scale = 3;
    w.plan();
    REQUIRE(w.result.containers.size() == 1);
    CHECK(w.result.containers[0].number == 4);
    web.scale = 1;
    CHECK(w.plan() == R"(
[] -> #1 service:web:3, stop container: scale is 1
[1] -> #2 service:web:3, remove container: scale is 1
)");
    w.options.scale["web"] = 0;
    w.plan();
    CHECK(count(w.result, OpKind::remove_container) == 2);
}

TEST_CASE("scaling down removes an outdated replica before an up-to-date one with a higher number") {
    World w;
    w.service("web");
    w.container("web", 1).record.config_hash = "old";
    w.container("web", 2);
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 0);
    REQUIRE(count(w.result, OpKind::remove_container) == 1);
    CHECK(w.result.plan.operations.back().container_name == "p-web-1");
}

TEST_CASE("container_name with several replicas is refused") {
    World w;
    w.service("web").container_name = "fix";
    w.options.scale["web"] = 2;
    CHECK_THROWS_WITH_AS(w.plan(), doctest::Contains("custom container name \"fix\""), Error);
}

TEST_CASE("a name that no container can have is refused before anything is made") {
    for (const char* name : {"bad name!", "x", "-ab", "a/b", "../x"}) {
        CAPTURE(name);
        World w;
        w.service("web").container_name = name;
        CHECK_THROWS_WITH_AS(w.plan(), doctest::Contains("Invalid container name"), Error);
    }
}

TEST_CASE("a gate for one container is named after it, and one for several after their service") {
    World w;
    w.service("db");
    w.service("web").depends_on["db"] = depends(DependencyCondition::healthy);
    w.plan();
    const auto gate = [&] {
        const auto& all = w.result.plan.operations;
        return *std::find_if(all.begin(), all.end(),
                             [](const Operation& op) { return op.kind == OpKind::wait_container; });
    };
    CHECK(gate().container_name == "p-db-1");
    w.options.scale["db"] = 2;
    w.plan();
    CHECK(gate().container_name.empty());
    CHECK_FALSE(gate().timeout_ns);
    w.options.wait_timeout = std::chrono::seconds(3);
    w.plan();
    CHECK(gate().timeout_ns == 3'000'000'000);
}

TEST_CASE("the startTimeout of a task definition limits the gate on that container") {
    World w;
    w.service("db").extensions[ecs_task_key] = Value{Value::Map{{"start_timeout", Value{std::int64_t{30}}}}};
    w.service("web").depends_on["db"] = depends(DependencyCondition::healthy);
    w.plan();
    const auto gate = [&] {
        const auto& all = w.result.plan.operations;
        return *std::find_if(all.begin(), all.end(),
                             [](const Operation& op) { return op.kind == OpKind::wait_container; });
    };
    CHECK(gate().timeout_ns == 30'000'000'000);
    CHECK(gate().limited_by == "startTimeout");
    CHECK(plan_from_json(to_json(w.result.plan)) == w.result.plan);
    w.options.wait_timeout = std::chrono::seconds(3); // the user is less patient
    w.plan();
    CHECK(gate().timeout_ns == 3'000'000'000);
    CHECK(gate().limited_by.empty());
}

TEST_CASE("container_name is the name, and a recreate keeps it") {
    World w;
    w.service("web").container_name = "fix";
    w.plan();
    CHECK(w.result.containers[0].name == "fix");
    auto& c = w.container("web", 1);
    c.record.name = "fix";
    c.record.config_hash = "old";
    w.plan();
    CHECK(w.result.containers[0].name == "fix");
    CHECK(w.result.containers[0].created_as == "000000000000_fix");
}

TEST_CASE("a container name that another service's container has is a conflict") {
    World w;
    w.service("web").container_name = "fix";
    w.container("old", 1).record.name = "fix";
    CHECK_THROWS_WITH_AS(w.plan(), doctest::Contains("already in use by container"), Error);
    w.options.remove_orphans = true;
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 1);
}

TEST_CASE("a container name that another project has is a conflict before anything is made") {
    World w;
    w.options.name_owner = [](const std::string& name) {
        return name == "shop" ? std::string("container 0123456789ab of project q") : std::string();
    };
    w.service("web").container_name = "shop";
    CHECK_THROWS_WITH_AS(w.plan(),
                         "The container name \"shop\" is already in use by container 0123456789ab of project q", Error);
    w.container("web", 1).record.name = "shop"; // it stands already: nobody is asked
    CHECK(w.plan() == "\n");
}

TEST_CASE("a changed inline config or secret keeps the container, with a warning that says so") {
    World w;
    w.service("web");
    w.container("web", 1).record.content_hash = "old";
    w.contents["web"] = "new";
    CHECK(w.plan() == "\n");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("container p-web-1 keeps the old one") != std::string::npos);
    w.options.recreate = Recreate::always;
    w.plan();
    CHECK(w.result.warnings.empty());
}

TEST_CASE("where contents count, as for a rollback, a changed one makes a new container") {
    World w;
    w.service("web");
    w.container("web", 1).record.content_hash = "old";
    w.contents["web"] = "new";
    w.options.contents_count = true;
    w.plan();
    CHECK(w.result.warnings.empty());
    REQUIRE(count(w.result, OpKind::create_container) == 1);
    CHECK(w.result.plan.operations[0].cause == "content of a config or secret changed");
}

TEST_CASE("containers of services that leave with a revision go, other orphans stay and are told") {
    World w;
    w.service("web");
    w.container("web", 1);
    w.container("side", 1);
    w.container("foreign", 1);
    w.options.retired = {"side"};
    w.plan();
    CHECK(count(w.result, OpKind::remove_container) == 1);
    CHECK(w.result.plan.operations[0].resource == "service:side:1");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("[p-foreign-1]") != std::string::npos);
}

TEST_CASE("orphans are stopped without their hooks, containers of the file's services with them") {
    World w;
    w.service("web");
    w.options.remove_orphans = true;
    w.options.recreate = Recreate::always;
    w.container("web", 1).record.pre_stop.emplace_back();
    w.container("old", 1).record.pre_stop.emplace_back();
    w.plan();
    for (const auto& op : w.result.plan.operations)
        if (op.kind == OpKind::stop_container) CHECK(op.skip_hooks == (op.resource == "service:old:1"));
    CHECK(count(w.result, OpKind::stop_container) == 2);
}

TEST_CASE("a dependent that shares a namespace is recreated with its parent, one that does not is left") {
    World w;
    w.service("db");
    Service& side = w.service("side");
    side.network_mode = "service:db";
    side.depends_on["db"] = depends(DependencyCondition::started, true);
    w.service("web").depends_on["db"] = depends(DependencyCondition::started);
    auto& db = w.container("db", 1);
    db.record.config_hash = "old";
    w.container("side", 1);
    w.container("web", 1);
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 2);
    CHECK(w.result.containers[1].service == "side");
    auto cause = std::find_if(w.result.plan.operations.begin(), w.result.plan.operations.end(), [](const auto& op) {
        return op.resource == "service:side:1" && op.kind == OpKind::create_container;
    });
    CHECK(cause->cause == "'db' is recreated");
}

TEST_CASE("a container in the namespace of a container that is no more is recreated") {
    World w;
    w.service("db");
    Service& side = w.service("side");
    side.network_mode = "service:db";
    side.depends_on["db"] = depends(DependencyCondition::started, true);
    const std::string db_id = w.container("db", 1).record.id;
    w.container("side", 1).record.network_mode = "container:" + db_id;
    CHECK(w.plan() == "\n");
    w.observed.containers[1].record.network_mode = "container:gone";
    w.plan();
    CHECK(count(w.result, OpKind::create_container) == 1);
}

TEST_CASE("restart: true stops the dependent before its dependency is recreated and starts it after") {
    World w;
    w.service("db");
    w.service("web").depends_on["db"] = depends(DependencyCondition::started, true);
    w.container("db", 1).record.config_hash = "old";
    w.container("web", 1);
    CHECK(w.plan() == R"(
[] -> #1 service:db:1, stage container: configuration changed
[1] -> #2 service:db:1, create container: configuration changed
[] -> #3 service:web:1, stop container: 'db' is recreated
[2,3] -> #4 service:db:1, stop container: configuration changed
[2,4] -> #5 service:db:1, remove container: configuration changed
[5] -> #6 service:db:1, rename container: configuration changed
[6] -> #7 service:db:1, start container: created
[3,7] -> #8 service:web:1, start container: stopped by this plan
)");
}

TEST_CASE("an optional dependency gates without being required") {
    World w;
    w.service("mig");
    w.service("web").depends_on["mig"] = depends(DependencyCondition::completed_successfully, false, false);
    w.plan();
    const auto gate = std::find_if(w.result.plan.operations.begin(), w.result.plan.operations.end(),
                                   [](const auto& op) { return op.kind == OpKind::wait_container; });
    REQUIRE(gate != w.result.plan.operations.end());
    CHECK_FALSE(gate->required);
    CHECK(gate->condition == WaitCondition::completed_successfully);
}

TEST_CASE("a dependency scaled to zero gates nothing") {
    World w;
    w.service("z").scale = 0;
    w.service("a").depends_on["z"] = depends(DependencyCondition::healthy);
    w.plan();
    CHECK(count(w.result, OpKind::wait_container) == 0);
    CHECK(count(w.result, OpKind::start_container) == 1);
}

TEST_CASE("orphans are named in a warning and removed when asked") {
    World w;
    w.service("web");
    w.project.disabled_services["off"].name = "off";
    w.container("web", 1);
    w.container("old", 1);
    w.container("off", 1);
    CHECK(w.plan() == "\n");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("([p-old-1])") != std::string::npos);
    w.options.ignore_orphans = true;
    w.plan();
    CHECK(w.result.warnings.empty());
    w.options.remove_orphans = true;
    CHECK(w.plan() == R"(
[] -> #1 service:old:1, stop container: orphan
[1] -> #2 service:old:1, remove container: orphan
)");
}

TEST_CASE("one-offs of run are no replicas; ended ones are orphans") {
    World w;
    w.service("web");
    w.container("web", 1);
    w.container("web", 1).record.oneoff = true;
    w.container("web", 1, ContainerState::exited).record.oneoff = true;
    w.plan();
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find(w.observed.containers[2].record.name) != std::string::npos);
    w.options.remove_orphans = true;
    w.plan();
    REQUIRE(w.result.plan.operations.size() == 1);
    CHECK(w.result.plan.operations[0].container_id == w.observed.containers[2].record.id);
}

TEST_CASE("run starts the dependencies, then its own container") {
    World w;
    w.service("db");
    Service job = w.service("job");
    job.depends_on["db"] = depends(DependencyCondition::healthy);
    w.project.disabled_services["job"] = job;
    w.project.services.erase("job");
    w.options.oneoff = std::make_shared<OneOff>(OneOff{job, "p-job-run-abc", true, false, true});
    CHECK(w.plan() == R"(
[] -> #1 service:db:1, stage container: no existing container
[1] -> #2 service:db:1, create container: no existing container
[2] -> #3 service:db:1, start container: created
[] -> #4 run:job:p-job-run-abc, stage container: one-off command
[3] -> #5 service:db, wait container: dependents need it healthy
[4,5] -> #6 run:job:p-job-run-abc, create container: one-off command
[6] -> #7 run:job:p-job-run-abc, start container: one-off command
)");
    CHECK(w.result.plan.operations[6].hold_for_attach);
}

TEST_CASE("pre_start hooks run in containers of their own before the first replica starts") {
    World w;
    Service& a = w.service("a");
    a.pre_start.resize(2);
    CHECK(w.plan() == R"(
[] -> #1 service:a:1, stage container: no existing container
[1] -> #2 service:a:1, create container: no existing container
[] -> #3 pre_start:a:0, stage container: pre_start hook
[2,3] -> #4 pre_start:a:0, create container: pre_start hook
[4] -> #5 pre_start:a:0, start container: pre_start hook
[5] -> #6 pre_start:a:0, wait container: pre_start hook
[6] -> #7 pre_start:a:0, remove container: pre_start hook
[] -> #8 pre_start:a:1, stage container: pre_start hook
[2,7,8] -> #9 pre_start:a:1, create container: pre_start hook
[9] -> #10 pre_start:a:1, start container: pre_start hook
[10] -> #11 pre_start:a:1, wait container: pre_start hook
[11] -> #12 pre_start:a:1, remove container: pre_start hook
[2,12] -> #13 service:a:1, start container: created
)");
    CHECK(w.result.containers[1].donor == w.result.containers[0].id);
    a.scale = 2;
    w.container("a", 1);
    w.plan();
    CHECK(count(w.result, OpKind::wait_container) == 0);
}

TEST_CASE("--wait waits for health, for half a second of life, or for the end a dependent needs") {
    World w;
    w.service("db");
    w.service("mig");
    w.service("web").depends_on["mig"] = depends(DependencyCondition::completed_successfully);
    for (const char* name : {"db", "mig", "web"}) w.container(name, 1);
    w.options.wait = true;
    w.options.wait_timeout = std::chrono::seconds(2);
    Wanted wanted = w.wanted();
    wanted.healthchecks = {"db"};
    const Plan plan = reconcile(w.project, wanted, w.observed, w.options).plan;
    REQUIRE(plan.operations.size() == 3);
    CHECK(plan.operations[0].condition == WaitCondition::healthy);
    CHECK(plan.operations[1].condition == WaitCondition::completed_successfully);
    CHECK(plan.operations[2].condition == WaitCondition::started);
    CHECK(plan.operations[2].timeout_ns == 2'000'000'000);
}

TEST_CASE("an image that is not there is pulled once, whoever needs it") {
    World w;
    w.service("a", "redis:7");
    w.service("b", "redis:7");
    w.observed.images.clear();
    w.plan();
    CHECK(count(w.result, OpKind::pull_image) == 1);
    CHECK(w.result.plan.operations[0].image == "redis:7");
    CHECK(w.result.plan.operations[1].after == std::vector<int>{1});
}
