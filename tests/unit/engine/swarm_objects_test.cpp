// Configs, secrets, the node and whether there is a swarm, on a state directory of its own.
#include "../swarm/scratch.hpp"

#include "base/error.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"
#include "davit/swarm_objects.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;

namespace {

struct Machine {
    swarm::test::Scratch scratch;
    swarm::Store store{scratch.roots()};
    Engine engine;
    Machine() : engine(options()) {}

    EngineOptions options() const {
        EngineOptions o;
        o.state_dir = scratch.roots().state;
        o.run_dir = scratch.roots().run;
        return o;
    }
    swarm::Service add_service(const std::string& name, char digit) {
        swarm::Service s;
        s.id = digit + std::string(24, '0');
        s.spec.name = name;
        s.project = "stack.x";
        store.write(s);
        return s;
    }
};

constexpr auto config = swarm::FileKind::config, secret = swarm::FileKind::secret;

} // namespace

TEST_CASE("the first object makes a swarm, and the last one takes it away") {
    Machine m;
    CHECK_THROWS_WITH_AS(swarm::services(m.engine), doctest::Contains("This node is not a swarm manager"), Error);
    CHECK_THROWS_AS(swarm::files(m.engine, config), Error);
    const std::string id = swarm::create_file(m.engine, config, {"c", {}, "x", "", ""});
    REQUIRE(swarm::node(m.engine));
    CHECK_FALSE(swarm::ensure_swarm(m.engine));
    CHECK(swarm::services(m.engine).empty());
    swarm::create_file(m.engine, secret, {"c", {}, "x", "", ""});
    swarm::remove_file(m.engine, config, "c");
    CHECK(swarm::node(m.engine));
    swarm::remove_file(m.engine, secret, "c");
    CHECK_FALSE(swarm::node(m.engine));
}

TEST_CASE("a swarm that was asked for stays until it is left") {
    Machine m;
    CHECK_THROWS_WITH_AS(swarm::leave_swarm(m.engine, true), "This node is not part of a swarm", Error);
    swarm::create_file(m.engine, config, {"c", {}, "x", "", ""});
    const swarm::Node node = swarm::init_swarm(m.engine); // the one that is there
    CHECK(node.id.size() == 25);
    CHECK_THROWS_AS(swarm::init_swarm(m.engine), Error);
    swarm::remove_file(m.engine, config, "c");
    CHECK(swarm::node(m.engine)->id == node.id);
    CHECK_THROWS_AS(swarm::leave_swarm(m.engine, false), Error);
    swarm::create_file(m.engine, secret, {"s", {}, "x", "", ""});
    const swarm::Service service = m.add_service("x_web", 'a');
    CHECK_THROWS_AS(swarm::leave_swarm(m.engine, true), Error);
    m.store.remove_service(service.id);
    swarm::leave_swarm(m.engine, true);
    CHECK_FALSE(swarm::node(m.engine));
    CHECK(m.store.files(secret).empty());
}

TEST_CASE("what a killed client prepared for a service and did not record goes with the next that looks") {
    Machine m;
    swarm::create_file(m.engine, config, {"c", {}, "x", "", ""});
    const swarm::Service whole = m.add_service("x_web", 'a');
    const std::string half = 'b' + std::string(24, '0');
    auto prepare = [&] { write_file_making(m.store.paths().prepared(half, 1) + "/record.json", "{}", 0600); };
    prepare();
    swarm::remove_if_empty(m.scratch.roots(), swarm::lock_swarm(m.scratch.roots()));
    CHECK(list_directory(m.store.paths().services()) == std::vector<std::string>{whole.id});
    m.store.remove_service(whole.id);
    prepare();
    CHECK(swarm::half_made(m.scratch.roots()) == std::vector<std::string>{m.store.paths().service_dir(half)});
    swarm::remove_file(m.engine, config, "c");
    CHECK_FALSE(exists(m.store.paths().root));
}

TEST_CASE("configs and secrets: what is refused") {
    Machine m;
    const std::string id = swarm::create_file(m.engine, config, {"c1", {{"a", "b"}}, "one\n", "golang", ""});
    auto fails = [&](const swarm::ConfigSpec& spec, const char* why) {
        CHECK_THROWS_WITH_AS(swarm::create_file(m.engine, config, spec), doctest::Contains(why), Error);
    };
    fails({"c1", {}, "x", "", ""}, "config c1 already exists");
    fails({"C1", {}, "x", "", ""}, "config C1 already exists"); // names differ in more than the case of letters
    CHECK(swarm::file(m.engine, config, "C1").id == id);
    fails({"bad name", {}, "x", "", ""}, "invalid name");
    fails({"-c", {}, "x", "", ""}, "invalid name");
    fails({std::string(65, 'a'), {}, "x", "", ""}, "invalid name");
    fails({"empty", {}, "", "", ""}, "config data must be larger than 0");
    fails({"big", {}, std::string(1000 * 1024, 'x'), "", ""}, "config data must be larger than 0");
    CHECK_THROWS_WITH_AS(swarm::file(m.engine, config, "nosuch"), "config nosuch not found", Error);
    CHECK(swarm::file(m.engine, config, id.substr(0, 5)).spec.name == "c1");

    CHECK_THROWS_WITH_AS(swarm::update_file(m.engine, config, id, {"c1", {}, "two", "", ""}),
                         doctest::Contains("only updates to Labels are allowed"), Error);
    swarm::update_file(m.engine, config, id, {"c1", {{"n", "m"}}, "one\n", "", ""});
    const swarm::Config updated = swarm::file(m.engine, config, "c1");
    CHECK(updated.spec.labels == Labels{{"n", "m"}});
    CHECK(updated.version == 2);
    CHECK(updated.spec.template_driver == "golang");

    swarm::Service web = m.add_service("x_web", 'a');
    web.spec.task.container.configs = {{id, "c1", "/c1", "0", "0", 0444}};
    m.store.write(web);
    CHECK_THROWS_WITH_AS(swarm::remove_file(m.engine, config, "c1"),
                         "config 'c1' is in use by the following service: x_web", Error);
    m.store.remove_service(web.id);
    swarm::remove_file(m.engine, config, "c1");
}

TEST_CASE("the node: labels come and go, it stays a manager") {
    Machine m;
    const swarm::Node node = swarm::init_swarm(m.engine);
    swarm::NodeChange change;
    change.add_labels = {{"zone", "a"}, {"disk", ""}};
    CHECK(swarm::update_node(m.engine, "self", change).labels == change.add_labels);
    change = {};
    change.remove_labels = {"disk"};
    change.availability = "drain";
    const swarm::Node drained = swarm::update_node(m.engine, node.id.substr(0, 6), change);
    CHECK(drained.labels == Labels{{"zone", "a"}});
    CHECK(drained.availability == "drain");
    CHECK(drained.version == 3);
    auto fails = [&](const swarm::NodeChange& c, const char* why) {
        CHECK_THROWS_WITH_AS(swarm::update_node(m.engine, node.name, c), why, Error);
    };
    fails({{}, {"disk"}, {}, {}}, "key disk doesn't exist in node's labels");
    fails({{}, {}, "worker", {}}, "attempting to demote the last manager of the swarm");
    fails({{}, {}, "boss", {}}, "invalid Role: \"boss\"");
    fails({{}, {}, {}, "bogus"}, "invalid Availability: \"bogus\"");
    CHECK(swarm::update_node(m.engine, "self", {{}, {}, "manager", {}}).version == 3);
    CHECK_THROWS_WITH_AS(swarm::node(m.engine, "nosuch"), "node nosuch not found", Error);
    CHECK(swarm::rotate_token(m.engine, false).worker_token != node.worker_token);
}

TEST_CASE("services are found by id, name and what begins an id") {
    Machine m;
    swarm::init_swarm(m.engine);
    const swarm::Service a = m.add_service("x_web", 'a'), b = m.add_service("b0", 'b');
    swarm::Service c = b;
    c.id = "b" + std::string(23, '0') + "1";
    c.spec.name = "y";
    c.spec.labels = {{"com.docker.stack.namespace", "x"}};
    m.store.write(c);
    CHECK(swarm::service(m.engine, "x_web") == a);
    CHECK(swarm::service(m.engine, a.id) == a);
    CHECK(swarm::service(m.engine, "a0") == a);
    CHECK(swarm::service(m.engine, "b0") == b); // a name before what begins an id
    CHECK_THROWS_WITH_AS(swarm::service(m.engine, "b00"), "service b00 is ambiguous (2 matches found)", Error);
    CHECK_THROWS_WITH_AS(swarm::service(m.engine, "nosuch"), "no such service: nosuch", Error);
    CHECK(swarm::stacks(m.engine) == std::vector<swarm::StackInfo>{{"x", 1}});

    swarm::Task t;
    t.id = "t" + std::string(24, '0');
    t.service_id = a.id;
    t.slot = 2;
    t.node_id = "n";
    m.store.write(t);
    const auto found = swarm::find_task(m.engine, "t0");
    REQUIRE(found);
    CHECK(found->task == t);
    CHECK(found->service == a);
    CHECK(swarm::task_name(a, t) == "x_web.2");
    t.slot = 0;
    CHECK(swarm::task_name(a, t) == "x_web.n");
    CHECK_FALSE(swarm::find_task(m.engine, "nosuch"));
    CHECK_FALSE(swarm::find_task(m.engine, ""));
}

TEST_CASE("documents: defaults are filled in, and secrets do not show their data") {
    swarm::Service s;
    s.id = "a" + std::string(24, '0');
    s.version = 7;
    s.created_at = s.updated_at = 1'000'000'000;
    s.spec.name = "web";
    s.spec.endpoint = swarm::EndpointSpec{"vip", {{"", "tcp", 80, 8080, "ingress"}}};
    s.ports = s.spec.endpoint->ports;
    s.addresses = {{"net1", "10.0.1.2/24"}};
    s.update_status = swarm::UpdateStatus{"updating", 1'000'000'000, 0, "update in progress"};
    auto d = nlohmann::json::parse(swarm::inspect(s));
    CHECK(d["Version"]["Index"] == 7);
    CHECK(d["CreatedAt"] == "1970-01-01T00:00:01Z");
    CHECK(d["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] == "any");
    CHECK_FALSE(d.contains("PreviousSpec"));
    CHECK_FALSE(d.contains("JobStatus"));
    CHECK(d["Endpoint"]["Spec"]["Mode"] == "vip");
    CHECK(d["Endpoint"]["Ports"][0]["PublishedPort"] == 8080);
    CHECK(d["Endpoint"]["VirtualIPs"][0]["Addr"] == "10.0.1.2/24");
    CHECK(d["UpdateStatus"]["State"] == "updating");
    CHECK_FALSE(d["UpdateStatus"].contains("CompletedAt"));
    s.spec.endpoint = swarm::EndpointSpec{"dnsrr", {}};
    s.previous = s.spec;
    d = nlohmann::json::parse(swarm::inspect(s));
    CHECK(d["Endpoint"] == nlohmann::json{{"Spec", nlohmann::json::object()}});
    CHECK(d["PreviousSpec"]["Name"] == "web");
    // What was not given is filled in for the service as it is, not for what it was.
    CHECK(d["Spec"]["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 10'000'000'000);
    CHECK_FALSE(d["PreviousSpec"]["TaskTemplate"]["ContainerSpec"].contains("StopGracePeriod"));
    CHECK_FALSE(d["PreviousSpec"]["TaskTemplate"].contains("RestartPolicy"));
    CHECK_FALSE(d["PreviousSpec"].contains("UpdateConfig"));
    CHECK_FALSE(d["PreviousSpec"].contains("RollbackConfig"));
    s.previous->task.restart_policy = swarm::RestartPolicy{"any", {}, {}, {}};
    s.previous->update_config = swarm::UpdateConfig{};
    d = nlohmann::json::parse(swarm::inspect(s));
    CHECK(d["PreviousSpec"]["TaskTemplate"]["RestartPolicy"]["Condition"] == "any");
    CHECK_FALSE(d["PreviousSpec"]["TaskTemplate"]["RestartPolicy"].contains("Delay"));
    CHECK(d["PreviousSpec"]["UpdateConfig"]["FailureAction"] == "pause");
    CHECK_FALSE(d["PreviousSpec"]["UpdateConfig"].contains("Monitor"));
    s.spec.mode.kind = swarm::ModeKind::replicated_job;
    s.job_iteration = 2;
    CHECK(nlohmann::json::parse(swarm::inspect(s))["JobStatus"]["JobIteration"]["Index"] == 2);
    s.job_iteration = 0;
    CHECK(nlohmann::json::parse(swarm::inspect(s))["JobStatus"]["JobIteration"] == nlohmann::json::object());

    swarm::Config file;
    file.spec = {"c", {}, "content\n", "golang", ""};
    d = nlohmann::json::parse(swarm::inspect(config, file));
    CHECK(d["Spec"]["Data"] == "Y29udGVudAo=");
    CHECK(d["Spec"]["Templating"]["Name"] == "golang");
    CHECK(swarm::inspect(secret, file).find("Y29udGVudAo=") == std::string::npos);
}

TEST_CASE("of a service whose port and name are taken the port is told, as Swarm does") {
    Machine m;
    swarm::init_swarm(m.engine);
    const swarm::PortConfig port{"", "tcp", 80, 8080, "ingress"};
    swarm::Service taken = m.add_service("web", 'a');
    taken.ports = {port};
    m.store.write(taken);
    swarm::ServiceSpec spec;
    spec.name = "web";
    spec.task.container.image = "i:1";
    spec.endpoint.emplace().ports = {port};
    Swarm services(m.options());
    CHECK_THROWS_WITH_AS(services.create_service(spec, swarm::services_project, {}),
                         doctest::Contains("port '8080' is already in use by service 'web'"), Error);
    spec.endpoint.reset();
    CHECK_THROWS_WITH_AS(services.create_service(spec, swarm::services_project, {}),
                         doctest::Contains("service web already exists"), Error);
}
