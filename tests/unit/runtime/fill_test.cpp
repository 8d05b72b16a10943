#include "runtime/steps/fill.hpp"

#include "davit/error.hpp"
#include "runtime/defaults.hpp"
#include "runtime/steps.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::runtime;

namespace {

Spec with_holes() {
    Spec s = default_spec();
    s.id = "HOLE";
    s.cgroup = "davit/p/HOLE";
    s.process.args = {"sh", "-c", "echo HOLE"};
    s.process.env = {"A=1", "SLOT=HOLE", "B=2"};
    s.root.overlay = {{"/layers/two", "/layers/one"}, "/c/HOLE/upper", "/c/HOLE/work"};
    s.hostname = "HOLE";
    s.seccomp.kind = Seccomp::Kind::unconfined;
    return s;
}

HostFacts plain_host() {
    HostFacts h;
    h.cgroups = {{"/sys/fs/cgroup", {"cpuset", "cpu", "io", "memory", "pids"}, true, false}};
    h.cgroup_v2_only = true;
    h.grantable = ~CapSet{0};
    return h;
}

std::string replaced(std::string text, const std::string& with) {
    for (std::size_t at = 0; (at = text.find("HOLE", at)) != std::string::npos; at += with.size())
        text.replace(at, 4, with);
    return text;
}

std::string filled(const std::string& steps, const std::string& with) {
    return fill_steps(steps, [&](std::string_view text) -> std::optional<std::string> {
        if (text.find("HOLE") == std::string_view::npos) return std::nullopt;
        return replaced(std::string(text), with);
    });
}

} // namespace

TEST_CASE("filled steps are those that would have been compiled without holes") {
    Spec plain = with_holes();
    const std::string with = "0123456789abcdef";
    plain.id = with;
    plain.cgroup = "davit/p/" + with;
    plain.process.args[2] = "echo " + with;
    plain.process.env[1] = "SLOT=" + with;
    plain.root.overlay.upper = "/c/" + with + "/upper";
    plain.root.overlay.work = "/c/" + with + "/work";
    plain.hostname = with;
    CHECK(describe(filled(compile(with_holes(), plain_host()), with)) == describe(compile(plain, plain_host())));
}

TEST_CASE("a text may become shorter, longer or nothing, and can be filled once more") {
    const std::string steps = compile(with_holes(), plain_host());
    CHECK(describe(filled(steps, "")).find("HOLE") == std::string::npos);
    const std::string longer = filled(steps, std::string(1000, 'x') + "HOLE");
    CHECK(describe(filled(longer, "y")) == describe(filled(steps, std::string(1000, 'x') + "y")));
}

TEST_CASE("what has no hole stays byte for byte") {
    const std::string steps = compile(with_holes(), plain_host());
    CHECK(fill_steps(steps, [](std::string_view) { return std::optional<std::string>(); }) == steps);
}

TEST_CASE("what are no steps, and texts that cannot stand in them, are refused") {
    auto nothing = [](std::string_view) { return std::optional<std::string>(); };
    CHECK_THROWS_WITH_AS(fill_steps("no steps at all", nothing), doctest::Contains("not valid"), Error);
    CHECK_THROWS_WITH_AS(filled(compile(with_holes(), plain_host()), std::string("a\0b", 3)), doctest::Contains("NUL"),
                         Error);
    CHECK_THROWS_AS(filled(compile(with_holes(), plain_host()), std::string(9u << 20, 'x')), Error);
}
