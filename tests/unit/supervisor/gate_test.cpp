#include "supervisor/policy/gate.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;
using Kind = Verdict::Kind;

namespace {

constexpr std::int64_t now = 1'000'000'000'000;

GateView view(ContainerState state, int exit_code = 0) {
    GateView v;
    v.name = "shop-db-1";
    v.service = "db";
    v.state = state;
    v.exit_code = exit_code;
    v.started_at = now - 10'000'000'000;
    return v;
}

GateView checked(Health health, ContainerState state = ContainerState::running) {
    GateView v = view(state);
    v.has_check = true;
    v.health = health;
    return v;
}

} // namespace

TEST_CASE("healthy is met by healthy and failed by unhealthy, exit and a missing healthcheck") {
    auto ask = [](const GateView& v) { return judge(WaitCondition::healthy, v, now); };
    CHECK(ask(checked(Health::healthy)).kind == Kind::met);
    CHECK(ask(checked(Health::starting)).kind == Kind::pending);
    CHECK(ask(checked(Health::none, ContainerState::restarting)).kind == Kind::pending);
    CHECK(std::string(ask(checked(Health::unhealthy)).error->what()) == "container shop-db-1 is unhealthy");
    CHECK(std::string(ask(view(ContainerState::running)).error->what()) ==
          "container shop-db-1 has no healthcheck configured");
    GateView gone = checked(Health::none, ContainerState::exited);
    gone.exit_code = 4;
    CHECK(std::string(ask(gone).error->what()) == "container shop-db-1 exited (4)");
    gone.has_check = false; // as docker compose: that it is gone says more
    CHECK(std::string(ask(gone).error->what()) == "container shop-db-1 exited (4)");
}

TEST_CASE("completed_successfully is met by exit 0 only and does not end while a restart is pending") {
    auto ask = [](const GateView& v) { return judge(WaitCondition::completed_successfully, v, now); };
    CHECK(ask(view(ContainerState::exited, 0)).kind == Kind::met);
    CHECK(ask(view(ContainerState::running)).kind == Kind::pending);
    CHECK(ask(view(ContainerState::created)).kind == Kind::pending);
    CHECK(ask(view(ContainerState::restarting, 3)).kind == Kind::pending);
    CHECK(std::string(ask(view(ContainerState::exited, 3)).error->what()) ==
          "service \"db\" didn't complete successfully: exit 3");
}

TEST_CASE("started is met after half a second of running, and says when to look again") {
    auto ask = [](const GateView& v) { return judge(WaitCondition::started, v, now); };
    GateView v = view(ContainerState::running);
    CHECK(ask(v).kind == Kind::met);
    v.started_at = now - 100'000'000;
    CHECK(ask(v).kind == Kind::pending);
    CHECK(ask(v).look_again == now + 400'000'000);
    CHECK(ask(view(ContainerState::exited, 0)).kind == Kind::failed);
    CHECK(ask(view(ContainerState::restarting)).kind == Kind::pending);
}

TEST_CASE("exited is met by any exit") {
    CHECK(judge(WaitCondition::exited, view(ContainerState::exited, 9), now).kind == Kind::met);
    CHECK(judge(WaitCondition::exited, view(ContainerState::paused), now).kind == Kind::pending);
}
