#include "swarm/orchestrator/constraints.hpp"

#include "davit/error.hpp"
#include "swarm/orchestrator/orchestrator.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::swarm;

namespace {
NodeFacts node() {
    NodeFacts facts;
    facts.node.id = "abc123";
    facts.node.labels = {{"disk", "ssd"}, {"zone.name", "East"}};
    facts.hostname = "Host1";
    facts.address = "192.168.7.3";
    facts.engine_labels = {{"storage", "fast"}};
    return facts;
}
} // namespace

TEST_CASE("constraints compare without regard to case; a label that is not there is empty") {
    const std::pair<const char*, bool> rows[] = {
        {"node.id == abc123", true},
        {"node.id != abc123", false},
        {"node.id==ABC123", true},
        {"node.hostname == host1", true},
        {"node.hostname != zzz", true},
        {"node.role == manager", true},
        {"node.role == worker", false},
        {"node.role != worker", true},
        {"NODE.ROLE == Manager", true},
        {"node.platform.os == linux", true},
        {"node.platform.arch == x86_64", true},
        {"node.platform.arch == arm64", false},
        {"node.labels.disk == ssd", true},
        {"node.labels.disk == hdd", false},
        {"node.labels.disk != hdd", true},
        {"node.labels.nosuch == x", false},
        {"node.labels.nosuch != x", true},
        {"node.labels.zone.name == east", true},
        {"engine.labels.storage == fast", true},
        {"engine.labels.storage != fast", false},
        {"node.ip == 192.168.7.3", true},
        {"node.ip == 192.168.7.0/24", true},
        {"node.ip != 10.0.0.0/8", true},
        {"node.ip == 10.0.0.0/8", false},
        {"node.ip == nonsense", false},
        {"node.nosuch == x", false},
        {"nosuch != x", false},
    };
    for (const auto& [text, met] : rows) {
        CAPTURE(text);
        CHECK(meets(node(), parse_constraint(text)) == met);
    }
    CHECK(meets(node(), std::vector<std::string>{}));
    CHECK(meets(node(), std::vector<std::string>{"node.role == manager", "node.labels.disk == ssd"}));
    CHECK_FALSE(meets(node(), std::vector<std::string>{"node.role == manager", "node.labels.disk == hdd"}));
}

TEST_CASE("a constraint that cannot be read is an error of its own") {
    const std::pair<const char*, const char*> rows[] = {
        {"node.role", "constraint expected one operator from ==, !="},
        {"node.role = manager", "constraint expected one operator from ==, !="},
        {"== manager", "key '' is invalid"},
        {"no de == x", "key 'no de' is invalid"},
        {"node.role == ", "value '' is invalid"},
        {"node.role == a;b", "value 'a;b' is invalid"},
    };
    for (const auto& [text, message] : rows) CHECK_THROWS_WITH_AS(parse_constraint(text), message, Error);
}
