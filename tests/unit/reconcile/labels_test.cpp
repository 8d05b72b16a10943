#include "reconcile/labels.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("the depends_on label is written as Compose writes it and read back") {
    std::map<std::string, Dependency> deps;
    deps["cache"].condition = DependencyCondition::healthy;
    deps["db"].restart = true;
    deps["mig"].condition = DependencyCondition::completed_successfully;
    const std::string text = label::depends_on_text(deps);
    CHECK(text == "cache:service_healthy:false,db:service_started:true,mig:service_completed_successfully:false");
    CHECK(label::parse_depends_on(text) == deps);
}

TEST_CASE("a damaged depends_on label gives what can be read of it") {
    const auto deps = label::parse_depends_on(",db,:service_healthy:true,x:what:true");
    REQUIRE(deps.size() == 2);
    CHECK(deps.at("db").condition == DependencyCondition::started);
    CHECK(deps.at("x").restart);
    CHECK(label::parse_depends_on("").empty());
}

TEST_CASE("the labels of the user are those that compose did not give") {
    const Labels all{{"mine", "1"}, {label::project, "p"}, {label::number, "1"}, {"com.docker.other", "2"}};
    CHECK(label::of_user(all) == Labels{{"mine", "1"}, {"com.docker.other", "2"}});
}
