#include "supervisor/policy/executor.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using supervisor::PlanExecutor;
using State = PlanExecutor::State;
using Ids = std::vector<int>;

namespace {

Plan plan_of(std::initializer_list<std::pair<int, Ids>> ops) {
    Plan plan;
    for (const auto& [id, after] : ops) {
        Operation op;
        op.id = id;
        op.after = after;
        plan.operations.push_back(op);
    }
    return plan;
}

Error broken() { return error(Errc::failed, "broken"); }

} // namespace

TEST_CASE("an operation is ready as soon as all that it waits for is done") {
    PlanExecutor e(plan_of({{1, {}}, {2, {}}, {3, {1, 2}}, {4, {1}}}));
    CHECK(e.take_ready() == Ids{1, 2});
    CHECK(e.take_ready().empty());
    e.done(1);
    CHECK(e.take_ready() == Ids{4});
    e.done(2);
    CHECK(e.take_ready() == Ids{3});
    e.done(3);
    CHECK_FALSE(e.finished());
    e.done(4);
    CHECK(e.finished());
    CHECK_FALSE(e.failure());
}

TEST_CASE("what is skipped begins no more, ready or not, and takes along what waits for it") {
    PlanExecutor e(plan_of({{1, {}}, {2, {}}, {3, {2}}, {4, {3}}, {5, {}}}));
    CHECK(e.take_ready() == Ids{1, 2, 5});
    e.done(2); // 3 is ready
    e.skip(3, broken());
    e.skip(1, broken()); // it runs
    CHECK(e.take_ready().empty());
    CHECK(e.take_skipped() == Ids{3, 4});
    e.done(1);
    e.done(5);
    CHECK(e.finished());
    REQUIRE(e.failure());
    CHECK(e.failure()->what() == std::string("broken"));
}

TEST_CASE("ready operations come in the plan's order whatever ended first") {
    PlanExecutor e(plan_of({{5, {}}, {4, {}}, {9, {4}}, {8, {5}}}));
    CHECK(e.take_ready() == Ids{5, 4});
    e.done(5);
    e.done(4);
    CHECK(e.take_ready() == Ids{9, 8});
}

TEST_CASE("a failure skips what waits for it, directly or not, and nothing else") {
    PlanExecutor e(plan_of({{1, {}}, {2, {1}}, {3, {2}}, {4, {}}, {5, {4, 3}}, {6, {4}}}));
    e.take_ready();
    e.fail(1, broken());
    CHECK(e.take_skipped() == Ids{2, 3, 5});
    e.done(4);
    CHECK(e.take_ready() == Ids{6});
    e.done(6);
    CHECK(e.finished());
    REQUIRE(e.failure());
    CHECK(std::string(e.failure()->what()) == "broken");
    CHECK(e.state(5) == State::skipped);
}

TEST_CASE("the first failure is the plan's") {
    PlanExecutor e(plan_of({{1, {}}, {2, {}}}));
    e.take_ready();
    e.fail(2, broken());
    e.fail(1, error(Errc::conflict, "later"));
    CHECK(e.failure()->kind() == Errc::failed);
    CHECK(e.finished());
}

TEST_CASE("after a cancel nothing begins and what runs may end") {
    PlanExecutor e(plan_of({{1, {}}, {2, {1}}, {3, {}}}));
    CHECK(e.take_ready() == Ids{1, 3});
    e.cancel(error(Errc::interrupted, "cancelled"));
    CHECK(e.take_skipped() == Ids{2});
    CHECK_FALSE(e.finished());
    CHECK(e.running() == Ids{1, 3});
    e.done(1);
    CHECK(e.take_ready().empty());
    e.done(3);
    CHECK(e.finished());
    CHECK(e.failure()->kind() == Errc::interrupted);
}

TEST_CASE("an end that is told twice counts once") {
    PlanExecutor e(plan_of({{1, {}}, {2, {1}}, {3, {1, 2}}}));
    e.take_ready();
    e.done(1);
    e.done(1);
    e.fail(1, broken());
    CHECK_FALSE(e.failure());
    CHECK(e.take_ready() == Ids{2});
}

TEST_CASE("plans that cannot be run are refused") {
    CHECK_THROWS_AS(PlanExecutor(plan_of({{1, {}}, {1, {}}})), Error);
    CHECK_THROWS_AS(PlanExecutor(plan_of({{1, {7}}})), Error);
    CHECK_THROWS_AS(PlanExecutor(plan_of({{1, {1}}})), Error);
    CHECK_THROWS_AS(PlanExecutor(plan_of({{1, {}}, {2, {3}}, {3, {2}}})), Error);
    CHECK(PlanExecutor(Plan{}).finished());
    PlanExecutor e(plan_of({{1, {}}}));
    CHECK_THROWS_AS(e.done(2), Error);
}
