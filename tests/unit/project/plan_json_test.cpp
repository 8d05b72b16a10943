#include "base/error.hpp"
#include "davit/plan.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace davit;

TEST_CASE("a plan comes back from its JSON as it was") {
    Plan plan;
    plan.project = "shop";
    plan.seen = {{"abc", 4}};
    Operation a;
    a.id = 1;
    a.kind = OpKind::stop_container;
    a.resource = "service:web:1";
    a.cause = "configuration changed: image";
    a.container_id = "abc";
    a.timeout_ns = 0;
    Operation b;
    b.id = 2;
    b.kind = OpKind::wait_container;
    b.after = {1};
    b.condition = WaitCondition::completed_successfully;
    b.wait_for = {"abc", "def"};
    b.required = false;
    Operation c;
    c.id = 3;
    c.kind = OpKind::connect_network;
    c.network = "proxy";
    c.endpoint = ConnectOptions{{"www"}, {"db:database"}, {}, "10.1.0.9", "", "", {{"k", "v"}}, 7};
    Operation d;
    d.id = 4;
    d.kind = OpKind::update_container;
    d.staged = "update-abc-1";
    d.restart = "on-failure:3";
    plan.operations = {a, b, c, d};
    CHECK(plan_from_json(to_json(plan)) == plan);
    plan.operations = {a};
    CHECK(to_json(plan).find("endpoint") == std::string::npos); // of few: it is not written for others
}

TEST_CASE("each kind of operation has a name of its own") {
    for (int i = 0; i <= static_cast<int>(OpKind::wait_container); ++i) {
        Operation op;
        op.kind = static_cast<OpKind>(i);
        Plan plan;
        plan.operations = {op};
        CHECK(plan_from_json(to_json(plan)).operations[0].kind == op.kind);
        CHECK(std::string(to_string(op.kind)).size() > 3);
    }
}

TEST_CASE("what is not a plan is refused") {
    for (const char* text : {"", "[]", "{\"operations\":3}", "{\"operations\":[{\"kind\":\"explode\"}]}"})
        CHECK_THROWS_AS(plan_from_json(text), Error);
}
