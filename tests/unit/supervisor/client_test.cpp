#include "fake_supervisor.hpp"

#include "base/error.hpp"
#include "supervisor/client/protocol.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor::test;

TEST_CASE("a supervisor that was killed before it answered is asked no more: its successor is") {
    std::string asked;
    FakeSupervisor fake("x", [&](int connection, const json::Value& request) -> std::optional<json::Value> {
        if (is_hello(request)) return hello();
        if (connection == 0) return std::nullopt;
        asked = request.value("type", "");
        return done(request);
    });
    auto client = SupervisorClient::connect_or_start(fake.roots(), "x");
    SUBCASE("a service") {
        CHECK_NOTHROW(client.set_service({}));
        CHECK(asked == "set_service");
    }
    SUBCASE("the plan that runs") {
        CHECK_NOTHROW(client.preempt());
        CHECK(asked == "preempt");
    }
}

TEST_CASE("a supervisor that was killed before it was asked has a successor, too") {
    bool answered = false;
    FakeSupervisor fake("x", [&](int connection, const json::Value& request) -> std::optional<json::Value> {
        if (is_hello(request)) return hello(connection == 0);
        answered = true;
        return done(request);
    });
    auto client = SupervisorClient::connect_or_start(fake.roots(), "x");
    fake.until_ended(1); // what is sent now reaches nobody
    CHECK_NOTHROW(client.node_changed());
    CHECK(answered);
}

TEST_CASE("what the killed supervisor had removed is removed") {
    const auto not_found = [](const json::Value& request) {
        return failed(request, error(Errc::not_found, "service s not found"));
    };
    FakeSupervisor fake("x", [&](int connection, const json::Value& request) -> std::optional<json::Value> {
        if (is_hello(request)) return hello();
        if (connection == 0) return std::nullopt;
        return not_found(request);
    });
    auto client = SupervisorClient::connect_or_start(fake.roots(), "x");
    CHECK_NOTHROW(client.remove_service("s"));
    CHECK_THROWS_AS(client.remove_service("s"), Error); // this one was not there when it was asked
}
