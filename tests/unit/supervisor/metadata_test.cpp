#include "supervisor/metadata/answer.hpp"

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
          "/v4/" + lab.app.id + "/stats", "/v4/" + lab.app.id + "/task/stats"})
        CHECK(lab.ask(path).status == 404);
}
