#include "build/times.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::build;

namespace {
BuildRequest with(const std::string& epoch) {
    BuildRequest out;
    out.args = {{"A", "7"}, {"SOURCE_DATE_EPOCH", epoch}};
    return out;
}
} // namespace

TEST_CASE("SOURCE_DATE_EPOCH is the time of everything that is built") {
    CHECK(source_date_epoch(with("1700000000")) == 1700000000);
    CHECK(source_date_epoch(with("0")) == 0);
    CHECK(now_text(with("1700000000")) == "2023-11-14T22:13:20Z");
    CHECK(now_text(with("0")) == "1970-01-01T00:00:00Z");
    CHECK_FALSE(source_date_epoch(BuildRequest{}));
    CHECK_FALSE(source_date_epoch(with("")));
    BuildRequest of_the_process; // a name without a value
    of_the_process.args = {{"SOURCE_DATE_EPOCH", std::nullopt}};
    CHECK_FALSE(source_date_epoch(of_the_process));
    for (const char* wrong : {"x", "1.5", "1700000000s", " 1"}) CHECK_THROWS_AS(source_date_epoch(with(wrong)), Error);
}

TEST_CASE("times as RFC 3339 has them, without zeros at the end") {
    CHECK(rfc3339(0) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(951782400) == "2000-02-29T00:00:00Z");
    CHECK(rfc3339(1, 500000000) == "1970-01-01T00:00:01.5Z");
    CHECK(rfc3339(1, 1) == "1970-01-01T00:00:01.000000001Z");
    const std::string now = now_text(BuildRequest{});
    CHECK(now.back() == 'Z');
    CHECK(now > "2024");
}

TEST_CASE("layers that the history does not have are told after it") {
    std::vector<image::HistoryEntry> history(2);
    history[0].empty_layer = true;
    add_missing(history, {"local source for files", "[1/2] COPY a /"}, "now");
    REQUIRE(history.size() == 3);
    CHECK(history[2].created_by == "[1/2] COPY a /");
    CHECK(history[2].comment == "buildkit.exporter.image.v0");
    CHECK(history[2].created == "now");
    add_missing(history, {"a", "b"}, "now");
    CHECK(history.size() == 3);
}

TEST_CASE("what makes no layer has the time of one: of the next at the beginning, else of the one before") {
    const auto filled = [](std::vector<std::string> times) {
        std::vector<image::HistoryEntry> history;
        for (const auto& time : times) history.push_back({.created = time});
        fill_times(history);
        std::string out;
        for (const auto& entry : history) out += entry.created + " ";
        return out;
    };
    CHECK(filled({"base", "", "new", "", "newer", ""}) == "base new new new newer newer ");
    CHECK(filled({"base", "new", ""}) == "base new new ");
    CHECK(filled({"base", ""}) == "base base ");
    CHECK(filled({"", "new"}) == "new new ");
    CHECK(filled({"", ""}) == "  ");
    CHECK(filled({}) == "");
}
