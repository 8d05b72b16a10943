#include "supervisor/health.hpp"

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

TEST_CASE("the log keeps the last five results") {
    HealthMonitor m(check(100), 0);
    for (int i = 0; i < 8; ++i) m.add(result(1, i));
    CHECK(m.log().size() == 5);
    CHECK(m.log().front().start == 3);
    CHECK(health_log_json(m).find("\"failing_streak\":8") != std::string::npos);
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
