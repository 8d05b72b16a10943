#include "supervisor/metadata/answer.hpp"
#include "supervisor/metadata/samples.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::supervisor::metadata;

namespace {

struct Lab {
    ContainerRecord app, side;
    ContainerStatus app_status, side_status;
    std::vector<EndpointStatus> addresses;

    Lab() {
        app.id = std::string(64, 'a');
        app.name = "shop-app-1";
        app.project = "shop";
        app.image = "nginx:1";
        app.image_id = "sha256:1";
        app.labels = {{"k", "v"}};
        app.network_mode = "container:x";
        app.desired = DesiredState::running;
        app.created = 1'700'000'000'000'000'000;
        app.ecs = EcsRecord{"Shop", "Shop", 3, "app", true, false, true, 0.5, 512};
        app_status.state = ContainerState::running;
        app_status.started_at = app.created;
        app_status.health = Health::healthy;
        side = app;
        side.id = std::string(64, 'b');
        side.ecs->container = "side";
        side.desired = DesiredState::stopped;
        side_status.state = ContainerState::exited;
        side_status.exit_code = 7;
        side_status.finished_at = app.created;
        EndpointStatus e;
        e.ipv4 = "172.18.0.2";
        e.mac = "02:42:ac:12:00:02";
        addresses = {e};
    }
    Answer ask(const std::string& path) const {
        return answer(path, {{&app, &app_status}, {&side, &side_status}}, addresses);
    }
    nlohmann::json json(const std::string& path) const {
        const Answer a = ask(path);
        REQUIRE(a.status == 200);
        return nlohmann::json::parse(a.body);
    }
};

} // namespace

TEST_CASE("the document of a container") {
    const Lab lab;
    const auto json = lab.json("/v4/" + lab.app.id);
    CHECK(json["DockerId"] == lab.app.id);
    CHECK(json["Name"] == "app");
    CHECK(json["DockerName"] == "shop-app-1");
    CHECK(json["Labels"]["k"] == "v");
    CHECK(json["DesiredStatus"] == "RUNNING");
    CHECK(json["KnownStatus"] == "RUNNING");
    CHECK(json["Health"]["status"] == "HEALTHY");
    CHECK(json["StartedAt"] == "2023-11-14T22:13:20Z");
    CHECK(json["Networks"][0]["NetworkMode"] == "awsvpc");
    CHECK(json["Networks"][0]["IPv4Addresses"][0] == "172.18.0.2");
    CHECK(!json.contains("ExitCode"));
    const auto ended = lab.json("/v4/" + lab.side.id);
    CHECK(ended["KnownStatus"] == "STOPPED");
    CHECK(ended["DesiredStatus"] == "STOPPED");
    CHECK(ended["ExitCode"] == 7);
}

TEST_CASE("the document of the task has all its containers and its limits") {
    const Lab lab;
    const auto json = lab.json("/v4/" + lab.side.id + "/task");
    CHECK(json["Family"] == "Shop");
    CHECK(json["KnownStatus"] == "PENDING"); // side has ended
    CHECK(json["Revision"] == "3");
    CHECK(json["Limits"]["CPU"] == 0.5);
    CHECK(json["Limits"]["Memory"] == 512);
    REQUIRE(json["Containers"].size() == 2);
    CHECK(json["Containers"][1]["Name"] == "side");
}

TEST_CASE("what there is not is 404") {
    const Lab lab;
    for (const std::string& path :
         {std::string("/"), std::string("/v3/x"), std::string("/v4/"), std::string("/v4/other"),
          "/v4/" + lab.app.id + "/statistics", "/v4/" + lab.app.id + "/task/x"})
        CHECK(lab.ask(path).status == 404);
}

TEST_CASE("what containers use: of one, and of the task by container") {
    const Lab lab;
    const std::vector<Member> members = {{&lab.app, &lab.app_status, R"({"id":"a"})"}, {&lab.side, &lab.side_status}};
    const auto ask = [&](const std::string& path) {
        return nlohmann::json::parse(answer("/v4/" + lab.app.id + path, members, {}).body);
    };
    CHECK(uses_stats("/v4/x/stats"));
    CHECK(uses_stats("/v4/x/task/stats"));
    CHECK_FALSE(uses_stats("/v4/x/task"));
    CHECK(ask("/stats")["id"] == "a");
    CHECK(ask("/task/stats")[lab.app.id]["id"] == "a");
    CHECK(ask("/task/stats")[lab.side.id].is_null()); // it has ended
}

TEST_CASE("stats have two samples, and rates from the second on") {
    TwoSamples samples;
    samples.now.read_ns = 1'700'000'000'000'000'000;
    samples.now.processors = 2;
    samples.now.usage.taken_ns = 3'000'000'000;
    samples.now.usage.cpu_ns = 7;
    samples.now.usage.memory = 4096;
    samples.now.usage.memory_limit = 65536;
    samples.now.usage.interfaces = {{"eth0", {3000, 3, 0, 0}, {1000, 1, 0, 0}}};
    const auto first = nlohmann::json::parse(stats_json("id", "shop-app-1", samples));
    CHECK(first["read"] == "2023-11-14T22:13:20Z");
    CHECK(first["preread"] == "0001-01-01T00:00:00Z");
    CHECK(first["name"] == "/shop-app-1");
    CHECK(first["cpu_stats"]["cpu_usage"]["total_usage"] == 7);
    CHECK(first["cpu_stats"]["online_cpus"] == 2);
    CHECK(first["precpu_stats"]["cpu_usage"]["total_usage"] == 0);
    CHECK(first["memory_stats"]["limit"] == 65536);
    CHECK(first["networks"]["eth0"]["rx_packets"] == 3);
    CHECK(first["network_rate_stats"]["rx_bytes_per_sec"] == 0);
    samples.before = samples.now;
    samples.before.usage.taken_ns = 1'000'000'000;
    samples.before.usage.interfaces = {{"eth0", {1000, 1, 0, 0}, {1000, 1, 0, 0}}};
    const auto second = nlohmann::json::parse(stats_json("id", "shop-app-1", samples));
    CHECK(second["network_rate_stats"]["rx_bytes_per_sec"] == 1000);
    CHECK(second["network_rate_stats"]["tx_bytes_per_sec"] == 0);
}

TEST_CASE("a sample of a process that is there, and of one that is not") {
    Samples samples;
    const TwoSamples own = samples.take("a", ::getpid());
    CHECK(own.before.read_ns == 0);
    CHECK(own.now.machine_cpu_ns > 0);
    const TwoSamples again = samples.take("a", ::getpid());
    CHECK(again.before.read_ns == own.now.read_ns);
    CHECK(again.now.usage.cpu_ns >= own.now.usage.cpu_ns);
    CHECK(own.now.usage.memory_limit > 65536); // the machine's, where there is none
    samples.keep_only([](const std::string&) { return false; });
    CHECK(samples.take("a", ::getpid()).before.read_ns == 0);
    CHECK(samples.take("b", 0).now.usage.memory == 0);
}
