// A command about some services leaves the others in the revision as they were.
#include "engine/revisions/overlay.hpp"

#include "engine/revisions/history.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using nlohmann::json;

TEST_CASE("services that a command is not about stay as the revision before has them") {
    Revision before, now;
    before.model = R"({"services": {"db": {"image": "db:1"}, "web": {"image": "web:1"}},
                       "networks": {"old": {"name": "p_old"}}, "configs": {"c": {"content": "h1"}}})";
    before.images = {{"db", "db:1", "sha256:d1", ""}, {"web", "web:1", "sha256:w1", ""}, {"", "tool", "sha256:t", ""}};
    before.contents = {{RevisionContent::Kind::config, "c", "h1", 1, "", ""}};
    before.scale = {{"db", 2}};
    now.model = R"({"services": {"db": {"image": "db:2"}, "web": {"image": "web:2"}, "new": {"image": "n"}},
                    "networks": {"default": {"name": "p_default"}}})";
    now.images = {{"web", "web:2", "sha256:w2", ""}};

    keep_untouched(now, before, {"db", "new"});
    const json model = json::parse(now.model);
    CHECK(model["services"] == json::parse(R"({"db": {"image": "db:1"}, "web": {"image": "web:2"}})"));
    CHECK(model["networks"].size() == 2);
    CHECK(model["configs"]["c"]["content"] == "h1");
    CHECK(now.images == std::vector<RevisionImage>{{"web", "web:2", "sha256:w2", ""},
                                                   {"db", "db:1", "sha256:d1", ""},
                                                   {"", "tool", "sha256:t", ""}});
    CHECK(now.contents == before.contents);
    CHECK(now.scale == before.scale);
}

TEST_CASE("in the first revision a service that was not asked for is none of the project") {
    Revision now;
    now.model = R"({"services": {"db": {}, "web": {}}, "networks": {"default": {}}})";
    keep_untouched(now, Revision(), {"db"});
    const json model = json::parse(now.model);
    CHECK(model["services"].size() == 1);
    CHECK(model["services"].contains("web"));
    CHECK(model["networks"].size() == 1);
}

TEST_CASE("a model is the same however a version of davit writes it") {
    const std::string now = "{\n  \"services\": {\"web\": {\"command\": [\"a \\u0026\\u0026 b \\u003e c\"]}}\n}\n";
    CHECK(same_model(now, R"({"services": {"web": {"command": ["a && b > c"]}}})"));
    CHECK_FALSE(same_model(now, R"({"services": {"web": {"command": ["a && b < c"]}}})"));
    CHECK(same_model("", ""));
    CHECK_FALSE(same_model("{", "[")); // nobody can read them
}
