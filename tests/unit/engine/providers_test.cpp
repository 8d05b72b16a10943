#include "engine/providers.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

Service provided(const std::string& name, std::map<std::string, std::vector<std::string>> options = {}) {
    Service s;
    s.name = name;
    s.provider.emplace();
    s.provider->type = "cloud";
    s.provider->options = std::move(options);
    return s;
}

using Words = std::vector<std::string>;
using Kind = ProviderMessage::Kind;

} // namespace

TEST_CASE("a provider's lines are JSON messages, and anything else is information") {
    auto kind = [](const char* line) { return parse_provider_message(line).kind; };
    CHECK(kind(R"({"type":"info","message":"x"})") == Kind::info);
    CHECK(kind(R"({"type":"error","message":"x"})") == Kind::error);
    CHECK(kind(R"({"type":"debug","message":"x"})") == Kind::debug);
    CHECK(kind(R"({"type":"setenv","message":"URL=x"})") == Kind::setenv);
    CHECK(kind(R"({"type":"rawsetenv","message":"URL=x"})") == Kind::rawsetenv);
    CHECK(parse_provider_message(R"({"type":"setenv","message":"URL=a=b"})").text == "URL=a=b");
    for (const char* text : {"plain words", "{broken", "[1]", R"({"message":"no type"})"}) {
        CHECK(kind(text) == Kind::info);
        CHECK(parse_provider_message(text).text == text);
    }
}

TEST_CASE("a provider gets every option, once for each value") {
    const Service s = provided("db", {{"size", {"10"}}, {"zone", {"a", "b"}}});
    CHECK(provider_arguments("shop", s, "up", "") ==
          Words{"compose", "--project-name=shop", "up", "--size=10", "--zone=a", "--zone=b", "db"});
    CHECK(provider_arguments("shop", s, "down", "no metadata") ==
          Words{"compose", "--project-name=shop", "down", "--size=10", "--zone=a", "--zone=b", "db"});
}

TEST_CASE("where the provider names its parameters, only those are passed and the required ones demanded") {
    const char* metadata =
        R"({"description":"d","up":{"parameters":[{"name":"size","required":true},{"name":"zone","required":"false"}]},"down":{}})";
    CHECK(provider_arguments("p", provided("db", {{"size", {"1"}}, {"other", {"2"}}}), "up", metadata) ==
          Words{"compose", "--project-name=p", "up", "--size=1", "db"});
    CHECK(provider_arguments("p", provided("db", {{"size", {"1"}}}), "down", metadata) ==
          Words{"compose", "--project-name=p", "down", "db"});
    CHECK_THROWS_WITH_AS(provider_arguments("p", provided("db"), "up", metadata),
                         "service \"db\": the provider 'cloud' needs the option 'size'", Error);
}

TEST_CASE("providers leave the project in the order they need each other, and say who needs them") {
    Project project;
    project.services["a"] = provided("a");
    project.services["a"].depends_on["z"];
    project.services["z"] = provided("z");
    Service& web = project.services["web"];
    web.name = "web";
    web.depends_on["a"];
    web.depends_on["db"];
    project.services["db"].name = "db";
    const auto taken = take_providers(project);
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].service.name == "z");
    CHECK(taken[1].service.name == "a");
    CHECK(taken[1].dependents == Words{"web"});
    CHECK(project.services.size() == 2);
    CHECK(project.services["web"].depends_on.size() == 1);
}
