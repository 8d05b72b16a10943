#include "supervisor/policy/restart_policy.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;
using namespace std::chrono_literals;

TEST_CASE("the delay before a restart doubles from 100 ms to a minute") {
    RestartPolicy p({RestartKind::always, 0});
    std::chrono::nanoseconds expected = 100ms;
    for (int i = 0; i < 20; ++i) {
        auto d = p.on_exit(0, false, 1s);
        CHECK(d.restart);
        CHECK(d.delay == expected);
        expected = std::min<std::chrono::nanoseconds>(expected * 2, 1min);
    }
    CHECK(p.count() == 20);
}

TEST_CASE("a run of ten seconds begins the delay anew, one a little shorter does not") {
    RestartPolicy p({RestartKind::always, 0});
    p.on_exit(1, false, 0s);
    p.on_exit(1, false, 0s);
    CHECK(p.on_exit(1, false, 9999ms).delay == 400ms);
    CHECK(p.on_exit(1, false, 10s).delay == 100ms);
}

TEST_CASE("each policy decides by code, count and the user's will") {
    struct Row {
        RestartKind kind;
        int max;
        int count;
        int code;
        bool stopped;
        bool restart;
    };
    const Row rows[] = {
        {RestartKind::no, 0, 0, 1, false, false},
        {RestartKind::always, 0, 0, 0, false, true},
        {RestartKind::always, 0, 99, 137, false, true},
        {RestartKind::always, 0, 0, 0, true, false},
        {RestartKind::unless_stopped, 0, 0, 0, false, true},
        {RestartKind::unless_stopped, 0, 0, 137, true, false},
        {RestartKind::on_failure, 0, 1000, 1, false, true},
        {RestartKind::on_failure, 0, 0, 0, false, false},
        {RestartKind::on_failure, 2, 1, 1, false, true},
        {RestartKind::on_failure, 2, 2, 1, false, false},
        {RestartKind::on_failure, 2, 0, 1, true, false},
    };
    for (const Row& r : rows) {
        CAPTURE(static_cast<int>(r.kind));
        CAPTURE(r.count);
        CAPTURE(r.code);
        RestartPolicy p({r.kind, r.max}, r.count);
        CHECK(p.on_exit(r.code, r.stopped, 1s).restart == r.restart);
        CHECK(p.count() == r.count + (r.restart ? 1 : 0));
    }
}

TEST_CASE("count and delay go on where an earlier supervisor left them") {
    RestartPolicy p({RestartKind::on_failure, 5}, 3, 400ms);
    CHECK(p.on_exit(1, false, 1s).delay == 800ms);
    CHECK(p.count() == 4);
    p.reset();
    CHECK(p.count() == 0);
    CHECK(p.on_exit(1, false, 1s).delay == 100ms);
}

TEST_CASE("ECS: some codes are final, and so is a run that was too short") {
    RestartPolicy p({RestartKind::always, 0, {0, 3}, 60'000'000'000});
    CHECK(!p.on_exit(1, false, 59s).restart);
    CHECK(p.on_exit(1, false, 60s).restart);
    CHECK(!p.on_exit(0, false, 90s).restart);
    CHECK(!p.on_exit(3, false, 90s).restart);
}
