// Replaced while the old one runs: deploy.update_config.order: start-first, and up --rolling.
#include "davit/error.hpp"
#include "fixture.hpp"

#include <algorithm>

using namespace davit;
using davit::test::depends;
using davit::test::World;

namespace {

Service& start_first(World& w, std::uint64_t parallelism = 1) {
    Service& s = w.service("web");
    s.deploy.emplace();
    s.deploy->update_config.emplace();
    s.deploy->update_config->order = "start-first";
    s.deploy->update_config->parallelism = parallelism;
    return s;
}

ObservedContainer& outdated(World& w, int number) {
    ObservedContainer& c = w.container("web", number);
    c.record.config_hash = "old";
    return c;
}

} // namespace

TEST_CASE("start-first: the new one takes over before the old one stops, one after the other") {
    World w;
    start_first(w).scale = 2;
    outdated(w, 1);
    outdated(w, 2);
    CHECK(w.plan() == R"(
[] -> #1 service:web:1, stage container: configuration changed
[1] -> #2 service:web:1, create container: configuration changed
[] -> #3 service:web:2, stage container: configuration changed
[3] -> #4 service:web:2, create container: configuration changed
[2] -> #5 service:web:1, start container: created
[5] -> #6 service:web:1, wait container: it takes over when it works
[6] -> #7 service:web:1, hand over container: configuration changed
[7] -> #8 service:web:1, stop container: configuration changed
[7,8] -> #9 service:web:1, remove container: configuration changed
[9] -> #10 service:web:1, rename container: configuration changed
[4,10] -> #11 service:web:2, start container: created
[11] -> #12 service:web:2, wait container: it takes over when it works
[12] -> #13 service:web:2, hand over container: configuration changed
[13] -> #14 service:web:2, stop container: configuration changed
[13,14] -> #15 service:web:2, remove container: configuration changed
[15] -> #16 service:web:2, rename container: configuration changed
)");
    const auto& ops = w.result.plan.operations;
    CHECK(ops[6].replaces == w.observed.containers[0].record.id);
    CHECK(w.result.containers[0].takes_over == w.observed.containers[0].record.id);
    CHECK(ops[1].container_name == w.result.containers[0].id.substr(0, 12) + "_p-web-1");
    CHECK(ops[9].new_name == "p-web-1");
    CHECK(to_summary(w.result.plan) == "web-1: replace while it runs: configuration changed\n"
                                       "web-2: replace while it runs: configuration changed\n");
}

TEST_CASE("parallelism, delay and monitor are those of update_config") {
    auto after_of_second_start = [](World& w) {
        w.plan();
        for (const auto& op : w.result.plan.operations)
            if (op.kind == OpKind::start_container && op.resource == "service:web:2") return op.after;
        return std::vector<int>{};
    };
    for (std::uint64_t at_once : {0, 2}) {
        World w;
        start_first(w, at_once).scale = 2;
        outdated(w, 1);
        outdated(w, 2);
        CHECK(after_of_second_start(w).size() == 1); // its own creation
    }
    World w;
    Service& web = start_first(w);
    web.scale = 2;
    web.deploy->update_config->delay = std::chrono::seconds(3);
    web.deploy->update_config->monitor = std::chrono::seconds(2);
    outdated(w, 1);
    outdated(w, 2);
    const auto after = after_of_second_start(w);
    REQUIRE(after.size() == 2);
    const Operation& pause = w.result.plan.operations[static_cast<std::size_t>(after[1]) - 1];
    CHECK(pause.kind == OpKind::wait_container);
    CHECK(pause.settle_ns == 3'000'000'000);
    CHECK(w.result.plan.operations[5].settle_ns == 2'000'000'000);
    CHECK(w.result.plan.operations[5].condition == WaitCondition::started);
}

TEST_CASE("what cannot run twice is stopped first, with the reason; --rolling refuses") {
    struct {
        const char* why;
        void (*make)(World&, Service&);
    } cases[] = {
        {"container_name \"one\"", [](World&, Service& s) { s.container_name = "one"; }},
        {"network_mode \"host\"", [](World&, Service& s) { s.network_mode = "host"; }},
        {"static address on network \"n\"",
         [](World& w, Service& s) {
             w.network("n");
             w.existing_network("n");
             s.networks["n"].emplace().ipv4_address = "10.0.0.2";
         }},
        {"port 80 has mode: host",
         [](World&, Service& s) {
             Port p;
             p.target = 80;
             p.mode = "host";
             s.ports.push_back(p);
         }},
        {"service \"side\" is in its namespaces",
         [](World& w, Service&) { w.service("side").network_mode = "service:web"; }},
    };
    for (const auto& [why, make] : cases) {
        CAPTURE(why);
        World w;
        make(w, start_first(w));
        outdated(w, 1);
        w.plan();
        REQUIRE_FALSE(w.result.warnings.empty());
        CHECK(w.result.warnings.front().find(why) != std::string::npos);
        CHECK(std::none_of(w.result.plan.operations.begin(), w.result.plan.operations.end(),
                           [](const auto& op) { return op.kind == OpKind::hand_over_container; }));
        w.options.rolling = true;
        w.project.services.at("web").deploy.reset();
        CHECK_THROWS_WITH_AS(w.plan(), doctest::Contains(why), Error);
    }
}

TEST_CASE("a volume that both write to is warned of") {
    World w;
    w.volume("data");
    w.existing_volume("data");
    w.mount(start_first(w), "data", "/d");
    outdated(w, 1);
    w.plan();
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("write to the same volume") != std::string::npos);
    w.observed.containers[0].record.mounts[0].read_only = true;
    w.plan();
    CHECK(w.result.warnings.empty());
}

TEST_CASE("what was to replace another one and failed is removed by the next up, and the old one is replaced") {
    World w;
    start_first(w);
    outdated(w, 1);
    ObservedContainer& failed = w.container("web", 1, ContainerState::exited);
    failed.record.takes_over = w.observed.containers[0].record.id;
    w.plan();
    const auto& ops = w.result.plan.operations;
    CHECK(std::any_of(ops.begin(), ops.end(), [&](const auto& op) {
        return op.kind == OpKind::remove_container && op.container_id == w.observed.containers[1].record.id;
    }));
    CHECK(std::any_of(ops.begin(), ops.end(), [&](const auto& op) {
        return op.kind == OpKind::hand_over_container && op.replaces == w.observed.containers[0].record.id;
    }));
}

TEST_CASE("dependents that restart with the service do so around the hand-over") {
    World w;
    start_first(w);
    outdated(w, 1);
    w.service("front").depends_on["web"] = depends(DependencyCondition::started, true);
    w.container("front", 1);
    w.plan();
    int stop = 0;
    for (const auto& op : w.result.plan.operations) {
        if (op.kind == OpKind::stop_container && op.resource == "service:front:1") stop = op.id;
        if (op.kind == OpKind::hand_over_container) CHECK(std::count(op.after.begin(), op.after.end(), stop) == 1);
    }
    CHECK(stop != 0);
}

TEST_CASE("a stopped container, or one that is only created, is replaced as ever") {
    World w;
    start_first(w);
    outdated(w, 1).status.state = ContainerState::exited;
    w.plan();
    CHECK(w.result.containers[0].takes_over.empty());
    w.observed.containers[0].status.state = ContainerState::running;
    w.options.start = false;
    w.plan();
    CHECK(w.result.containers[0].takes_over.empty());
}
