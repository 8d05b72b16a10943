#include "engine/swarm/project_changes.hpp"

#include "../../supervisor/fake_supervisor.hpp"

#include <atomic>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor::test;
using namespace std::chrono_literals;

// Its listener subscribes when it comes to it: what happened between the first look at the records and then, no event
// tells.
TEST_CASE("what changes before the supervisor's events come is looked at") {
    std::atomic<bool> subscribed = false;
    FakeSupervisor fake("x", [&](int, const json::Value& request) -> std::optional<json::Value> {
        if (is_hello(request)) return hello();
        subscribed = request.value("type", "") == "subscribe";
        return done(request); // and no event, ever
    });
    ProjectChanges changes(fake.roots(), "x");
    CHECK(changes.wait(60s, {}));
    CHECK(subscribed);
}

TEST_CASE("where no supervisor is, and after one was killed, one looks again and again") {
    std::atomic<int> connections = 0;
    FakeSupervisor fake("x", [&](int, const json::Value& request) -> std::optional<json::Value> {
        if (!is_hello(request)) return std::nullopt;
        ++connections;
        return hello();
    });
    ProjectChanges changes(fake.roots(), "x");
    while (connections < 3) CHECK(changes.wait(60s, {}));
    ProjectChanges nobody(fake.roots(), "other");
    CHECK(nobody.wait(60s, {}));
}
