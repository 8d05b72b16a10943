#include "cli/attach/detach_keys.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::cli;

namespace {

struct Typed {
    std::string passed;
    bool detached = false;
};

Typed type(const std::string& sequence, const std::vector<std::string>& pieces) {
    DetachKeys keys(sequence);
    Typed out;
    for (const std::string& piece : pieces) {
        out.passed += keys.feed(piece);
        if (keys.typed()) {
            out.detached = true;
            break;
        }
    }
    return out;
}

} // namespace

TEST_CASE("detach keys: the sequence ends it and is not passed on, in one piece or several") {
    for (const auto& pieces : {std::vector<std::string>{"ab\x10\x11"},
                               {"ab", "\x10", "\x11"},
                               {"ab\x10", "\x11"
                                          "c"}}) {
        const Typed t = type("ctrl-p,ctrl-q", pieces);
        CHECK(t.detached);
        CHECK(t.passed == "ab");
    }
}

TEST_CASE("detach keys: a begun sequence that goes on differently is passed on whole") {
    CHECK(type("ctrl-p,ctrl-q", {"\x10", "x"}).passed == "\x10x");
    CHECK(type("ctrl-p,ctrl-q", {"\x10\x10\x11"}).detached);
    CHECK(type("ctrl-p,ctrl-q", {"\x10\x10\x11"}).passed == "\x10");
    CHECK_FALSE(type("ctrl-p,ctrl-q", {"\x11\x10"}).detached);
}

TEST_CASE("detach keys: other sequences, none, and mistakes") {
    CHECK(type("x,y", {"axyb"}).detached);
    CHECK(type("ctrl-@", {std::string("a\0", 2)}).detached);
    CHECK_FALSE(type("", {"\x10\x11"}).detached);
    CHECK(type("", {"\x10\x11"}).passed == "\x10\x11");
    CHECK_THROWS_AS(DetachKeys("ctrl-"), Error);
    CHECK_THROWS_AS(DetachKeys("strg-x"), Error);
}
