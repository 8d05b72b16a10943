#include "swarm/task_template.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::swarm;

namespace {

HoleValues values() {
    HoleValues v;
    v.container_id = std::string(52, 'a') + "0123456789ab";
    v.task_id = "t123";
    v.slot = 7;
    v.task_name = "web.7.t123";
    v.node_id = "n1";
    v.node_hostname = "box";
    v.volumes = {"first", "second"};
    return v;
}

} // namespace

TEST_CASE("each hole is filled with what it stands for, wherever it is") {
    const Holes h = Holes::fresh();
    const HoleValues v = values();
    const std::string all = h.container_id() + "/" + h.short_id() + "/" + h.task_id() + "/" + h.slot() + "/" +
                            h.task_name() + "/" + h.node_id() + "/" + h.node_hostname() + "/" + h.volume(1) + "/" +
                            h.volume(0);
    CHECK(h.filled("x" + all + "y", v) ==
          "x" + v.container_id + "/aaaaaaaaaaaa/t123/7/web.7.t123/n1/box/second/firsty");
}

TEST_CASE("a text without holes is told from one with them, whatever other templates' holes it has") {
    const Holes h = Holes::fresh(), other = Holes::fresh();
    CHECK(!h.fill("plain {{.Task.Slot}}", values()));
    CHECK(!h.fill(other.slot(), values()));
    CHECK(h.fill(h.slot(), values()) == "7");
}

TEST_CASE("a hole that nothing fills is an error, not an empty text") {
    const Holes h = Holes::fresh();
    CHECK_THROWS_AS(h.fill(h.volume(2), values()), Error);
    CHECK_THROWS_AS(h.fill(h.mark() + "q_", values()), Error);
    CHECK_THROWS_AS(h.fill(h.mark(), values()), Error);
}

TEST_CASE("a template comes back from its file as it was, bytes of configs too") {
    TaskTemplate t;
    t.mark = "h0123";
    t.bind_sources = {{"/src", false}, {"/made", true}};
    t.anonymous_volumes = 1;
    t.volumes = {{R"({"name":"v"})"}};
    t.copies = {{"/data", "/volumes/v/_data"}};
    t.layers = {"/layers/1"};
    t.files = {{FileKind::config, "c1", "app", std::string("\0\xff{{", 4), "/run/f/0", 1, 2, 0400},
               {FileKind::secret, "s1", "pw", std::nullopt, "/run/f/1", 0, 0, 0444}};
    CHECK(task_template_from_json(to_json(t), "template.json") == t);
}

TEST_CASE("a container is called after its slot, a global service's after the node") {
    Service service;
    service.spec.name = "x_web";
    Task task;
    task.id = "abc";
    task.slot = 3;
    task.node_id = "node1";
    CHECK(task_container_name(service, task) == "x_web.3.abc");
    service.spec.mode.kind = ModeKind::global;
    CHECK(task_container_name(service, task) == "x_web.node1.abc");
}
