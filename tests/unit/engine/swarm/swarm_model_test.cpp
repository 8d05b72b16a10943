#include "engine/swarm/swarm_model.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

swarm::ServiceSpec spec(const std::string& name) {
    swarm::ServiceSpec out;
    out.name = name;
    out.labels = {{"com.docker.stack.namespace", "x"}};
    out.mode.replicas = 3;
    out.task.force_update = 4;
    out.task.networks = {{"id-of-front", {"web"}, {}}};
    auto& container = out.task.container;
    container.image = "app:1";
    container.image_id = "sha256:abc";
    container.env = {"MODE=one", "DB_PASSWORD=hush"};
    container.secrets.push_back({"id-of-key", "x_key", "key"});
    out.depends_on = {{"x_db", "service_healthy", false}};
    return out;
}

SwarmModel model() {
    SwarmModel out;
    out.services["x_web"] = plain_spec(spec("x_web"), [](const std::string& target) {
        return target == "id-of-front" ? std::string("x_front") : target;
    });
    SwarmNetwork& front = out.networks["x_front"];
    front.name = "x_front";
    front.attachable = true;
    front.labels = {{"a", "b"}};
    front.pools = {{"10.1.0.0/24", "", "10.1.0.1", {{"host", "10.1.0.9"}}}};
    out.secrets["x_key"] = {{{"a", "b"}}, "golang", ""};
    return out;
}

Revision revision(const SwarmModel& of) {
    Revision out;
    out.model = to_json(of);
    return out;
}

} // namespace

TEST_CASE("a model comes back as it was written, without ids") {
    const SwarmModel before = model(), after = swarm_model_from_json(to_json(before));
    CHECK(after.services == before.services);
    CHECK(after.secrets == before.secrets);
    CHECK(to_json(after) == to_json(before));
    const swarm::ServiceSpec& web = after.services.at("x_web");
    CHECK(web.task.networks[0].target == "x_front");
    CHECK(web.task.container.secrets[0].id.empty());
    CHECK(web.task.container.secrets[0].name == "x_key");
    CHECK(web.task.container.image_id.empty());
    CHECK(web.task.force_update == 0);
    CHECK(web.depends_on == spec("x_web").depends_on);
    const SwarmNetwork& front = after.networks.at("x_front");
    CHECK(front.attachable);
    CHECK(front.pools[0].aux_addresses.at("host") == "10.1.0.9");
    CHECK_THROWS_AS(swarm_model_from_json("{"), Error);
    CHECK_THROWS_AS(swarm_model_from_json("[]"), Error);
}

TEST_CASE("what a revision changes is said by service, with the attributes") {
    const SwarmModel one = model();
    CHECK(change_lines(Revision(), revision(one)) ==
          std::vector<std::string>{"x_web: create", "network x_front: create", "secret x_key: create"});
    SwarmModel two = one;
    two.services["x_web"].mode.replicas = 5;
    two.services["x_web"].task.container.env[0] = "MODE=two";
    two.services["x_db"] = one.services.at("x_web");
    two.networks.clear();
    CHECK(change_lines(revision(one), revision(two)) ==
          std::vector<std::string>{"x_db: create", "x_web: update (Env MODE, Replicas)", "network x_front: remove"});
    auto& container = two.services["x_web"].task.container;
    container.dir = "/d";
    container.user = "u";
    CHECK(change_lines(revision(one), revision(two))[1] == "x_web: update (Dir, Env MODE, Replicas and 1 more)");
    CHECK(change_lines(revision(one), revision(one)).empty());
}
