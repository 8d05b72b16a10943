#include "supervisor/policy/health.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;
using namespace std::chrono_literals;

namespace {
constexpr std::int64_t second = 1'000'000'000;
HealthcheckRecord check(int retries, std::int64_t start_period = 0) {
    return {{"CMD", "true"}, 10 * second, 3 * second, start_period, second, retries};
}
HealthResult result(int code, std::int64_t start) { return {start, start + second, code, "out"}; }
} // namespace

TEST_CASE("retries failures in a row make a container unhealthy, one success healthy") {
    HealthMonitor m(check(2), 0);
    CHECK(m.state() == Health::starting);
    CHECK_FALSE(m.add(result(1, second)));
    CHECK(m.failing_streak() == 1);
    CHECK(m.add(result(0, 2 * second)));
    CHECK(m.state() == Health::healthy);
    CHECK(m.failing_streak() == 0);
    CHECK_FALSE(m.add(result(1, 3 * second)));
    CHECK(m.state() == Health::healthy);
    CHECK(m.add(result(-1, 4 * second)));
    CHECK(m.state() == Health::unhealthy);
    CHECK(m.add(result(0, 5 * second)));
    CHECK(m.state() == Health::healthy);
}

TEST_CASE("failures inside the start period do not count until the first success") {
    HealthMonitor m(check(1, 30 * second), 100 * second);
    CHECK_FALSE(m.add(result(1, 129 * second)));
    CHECK(m.failing_streak() == 0);
    CHECK(m.add(result(1, 130 * second)));
    CHECK(m.state() == Health::unhealthy);

    HealthMonitor n(check(1, 30 * second), 100 * second);
    n.add(result(0, 101 * second));
    CHECK(n.add(result(1, 102 * second)));
    CHECK(n.state() == Health::unhealthy);
}

TEST_CASE("the start interval holds while the container starts inside its start period") {
    HealthMonitor m(check(3, 30 * second), 100 * second);
    CHECK(m.delay(101 * second) == 1s);
    CHECK(m.delay(130 * second) == 10s);
    m.add(result(0, 101 * second));
    CHECK(m.delay(102 * second) == 10s);
    HealthMonitor without(check(3), 100 * second);
    CHECK(without.delay(100 * second) == 10s);
}

TEST_CASE("what is zero has Docker's default") {
    HealthMonitor m({{"CMD", "x"}, 0, 0, 0, 0, 0}, 0);
    CHECK(m.delay(0) == 30s);
    CHECK(m.timeout() == 30s);
    m.add(result(1, 1));
    m.add(result(1, 2));
    CHECK(m.state() == Health::starting);
    m.add(result(1, 3));
    CHECK(m.state() == Health::unhealthy);
}

TEST_CASE("a streak goes on where an earlier supervisor left it") {
    HealthMonitor m(check(3), 0, Health::healthy, 2);
    CHECK(m.add(result(1, 1)));
    CHECK(m.state() == Health::unhealthy);
}

TEST_CASE("the log keeps the last five results, the oldest first, and of each at most 4 KiB") {
    std::string text;
    for (int i = 0; i < 8; ++i) text = health_log_with(text, {i, i + 1, i, "said " + std::to_string(i)});
    auto log = parse_health_log(text);
    REQUIRE(log.size() == 5);
    CHECK(log.front() == HealthResult{3, 4, 3, "said 3"});
    CHECK(log.back() == HealthResult{7, 8, 7, "said 7"});
    log = parse_health_log(health_log_with(text, {8, 9, -1, std::string(100'000, 'x')}));
    CHECK(log.back().output.size() == 4096);
    // What a container writes need not be text.
    log = parse_health_log(health_log_with("", {1, 2, 1, std::string("a\xff\x1b[2J\0b", 8)}));
    REQUIRE(log.size() == 1);
    CHECK(log[0].output.find("\x1b[2J") != std::string::npos);
    for (const char* broken : {"", "{", "[]", "{\"log\":7}", "{\"log\":[1,{\"start\":\"x\"}]}"}) {
        CHECK(parse_health_log(broken).empty());
        CHECK(parse_health_log(health_log_with(broken, {1, 2, 0, ""})).size() == 1);
    }
}

TEST_CASE("NONE and an empty test are no healthcheck") {
    ContainerRecord r;
    CHECK_FALSE(HealthMonitor::configured(r));
    r.healthcheck = HealthcheckRecord{};
    CHECK_FALSE(HealthMonitor::configured(r));
    r.healthcheck->test = {"NONE"};
    CHECK_FALSE(HealthMonitor::configured(r));
    r.healthcheck->test = {"CMD-SHELL", "true"};
    CHECK(HealthMonitor::configured(r));
}
