#include "cli/suggest.hpp"

#include <doctest/doctest.h>

using namespace davit::cli;

TEST_CASE("suggest: only a near word is offered") {
    const std::vector<std::string> verbs = {"up", "down", "restart", "stop"};
    CHECK(did_you_mean("donw", verbs) == " (did you mean \"down\"?)");
    CHECK(did_you_mean("rest", verbs) == " (did you mean \"restart\"?)");
    CHECK(did_you_mean("frobnicate", verbs).empty());
}
