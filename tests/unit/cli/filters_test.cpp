#include "cli/filters.hpp"

#include "cli/format/image_list.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;

TEST_CASE("filters: one value of a key must fit, of labels all") {
    Filters f;
    f.add("name", "web");
    f.add("name", "^db$");
    CHECK(f.pattern("name", "my-web-1"));
    CHECK(f.pattern("name", "db"));
    CHECK_FALSE(f.pattern("name", "db2"));
    CHECK(f.pattern("id", "anything")); // a key that is not asked for
    f.add("label", "a");
    f.add("label", "b=1");
    CHECK(f.labels("label", {{"a", "x"}, {"b", "1"}}));
    CHECK_FALSE(f.labels("label", {{"a", "x"}, {"b", "2"}}));
    f.add("label!", "keep");
    CHECK(f.unlabelled("label!", {{"a", ""}}));
    CHECK_FALSE(f.unlabelled("label!", {{"keep", "1"}}));
    f.add("driver", "bridge");
    CHECK(f.exact("driver", "bridge"));
    CHECK_FALSE(f.exact("driver", "bridge2"));
}

TEST_CASE("filters: true and false, and what is neither") {
    Filters f;
    CHECK_FALSE(f.truth("dangling"));
    f.add("dangling", "true");
    CHECK(f.truth("dangling") == std::optional(true));
    f.add("dangling", "0");
    CHECK(f.truth("dangling") == std::optional(false));
    f.add("dangling", "maybe");
    CHECK_THROWS_AS(f.truth("dangling"), Error);
}

TEST_CASE("filters: a pattern that is none fits only itself") {
    Filters f;
    f.add("name", "a[");
    CHECK(f.pattern("name", "a["));
    CHECK_FALSE(f.pattern("name", "ab"));
}

TEST_CASE("images: a repository, a name, a pattern") {
    const nlohmann::json row{{"Repository", "team/app"}, {"Tag", "1"}};
    for (const char* yes : {"", "team/app", "team/app:1", "team/*", "*/app:1", "docker.io/team/app"})
        CHECK(is_named_by(row, yes));
    for (const char* no : {"app", "team/app:2", "*", "team", "localhost:5000/team/app"})
        CHECK_FALSE(is_named_by(row, no));
}

TEST_CASE("images: the overview's columns") {
    CHECK(image_overview({}) == "IMAGE   ID             DISK USAGE   CONTENT SIZE   EXTRA\n");
    CHECK(image_overview(
              {{"myimage:latest", "87428fc52280", "12.3MB", "4.5MB", true}, {"x:1", "0123456789ab", "0B", "0B"}}) ==
          "IMAGE            ID             DISK USAGE   CONTENT SIZE   EXTRA\n"
          "myimage:latest   87428fc52280       12.3MB          4.5MB   U    \n"
          "x:1              0123456789ab           0B             0B        \n");
}

TEST_CASE("filters: until is a time or a span, and a bad one is told in the engine's words") {
    Filters f;
    CHECK(f.times().empty());
    f.add("until", "2026-01-31T12:00:00Z");
    f.add("until", "1h");
    CHECK(f.times().size() == 2);
    CHECK_THROWS_WITH(until_time("bogus", "told: "),
                      "told: failed to parse value as time or duration: invalid seconds \"bogus\": invalid syntax");
    CHECK_THROWS_WITH(until_time(""), "failed to parse value as time or duration: value is empty");
}

TEST_CASE("filters: a name in any case, spaces around, and none at all") {
    CHECK(named_filter("") == "");
    CHECK(named_filter(" STATUS = running ") == "status=running");
    CHECK(named_filter("label=A B=c") == "label=A B=c");
    CHECK_THROWS_WITH(named_filter("name"), "bad format of filter (expected name=value)");
}
