#include "engine/watch/plan.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

using Texts = std::vector<std::string>;

WatchRule rule(const std::string& action, const std::string& path, const std::string& target = {},
               const Texts& ignore = {}, const Texts& include = {}) {
    WatchRule out;
    out.action = action;
    out.path = path;
    out.target = target;
    out.ignore = ignore;
    out.include = include;
    return out;
}

Service watched(std::vector<WatchRule> rules) {
    Service out;
    out.name = "web";
    out.build.emplace();
    out.develop.emplace();
    out.develop->watch = std::move(rules);
    return out;
}

// "rebuild /p/a>/app/a restart exec:0", in the order of the steps.
std::string shown(const WatchSteps& steps) {
    std::string out;
    const auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
    if (steps.rebuild) add("rebuild");
    for (const WatchCopy& copy : steps.sync) add(copy.host + ">" + copy.target);
    if (steps.restart) add("restart");
    for (const std::size_t i : steps.exec) add("exec:" + std::to_string(i));
    return out;
}

std::string planned(const Service& service, const std::set<std::string>& changed, const ContextIgnore& context = {}) {
    return shown(WatchRules(service, context).plan(changed));
}

} // namespace

TEST_CASE("a changed path triggers the rules that it is below, in the order rebuild, sync, restart, exec") {
    WatchRule with_hook = rule("sync+exec", "/p/conf", "/etc/web");
    with_hook.exec.emplace();
    const Service web = watched({with_hook, rule("sync", "/p/src", "/app"), rule("sync+restart", "/p/etc", "/etc/x"),
                                 rule("restart", "/p/flag"), rule("rebuild", "/p/package.json")});
    struct Case {
        std::set<std::string> changed;
        const char* steps;
    };
    const Case cases[] = {
        {{"/p/src/a.js"}, "/p/src/a.js>/app/a.js"},
        {{"/p/src/deep/er/a.js"}, "/p/src/deep/er/a.js>/app/deep/er/a.js"},
        {{"/p/src"}, "/p/src>/app"},
        {{"/p/src2/a.js"}, ""},
        {{"/p/other"}, ""},
        {{"/p"}, ""},
        {{"/p/etc/x.conf"}, "/p/etc/x.conf>/etc/x/x.conf restart"},
        {{"/p/flag"}, "restart"},
        {{"/p/package.json"}, "rebuild"},
        {{"/p/package.json.bak"}, ""},
        {{"/p/conf/a", "/p/conf/b"}, "/p/conf/a>/etc/web/a /p/conf/b>/etc/web/b exec:0"},
        {{"/p/package.json", "/p/flag", "/p/conf/a", "/p/src/b"},
         "rebuild /p/conf/a>/etc/web/a /p/src/b>/app/b restart exec:0"},
    };
    for (const Case& c : cases) {
        CAPTURE(*c.changed.begin());
        CHECK(planned(web, c.changed) == c.steps);
    }
}

TEST_CASE("ignore and include are patterns relative to the rule's path") {
    const Texts ignore{"node_modules/", "*.tmp", "!keep.tmp", "**/*.log"};
    const Service web = watched({rule("sync", "/p", "/app", ignore)});
    CHECK(planned(web, {"/p/node_modules/x/index.js"}) == "");
    CHECK(planned(web, {"/p/a.tmp"}) == "");
    CHECK(planned(web, {"/p/keep.tmp"}) == "/p/keep.tmp>/app/keep.tmp");
    CHECK(planned(web, {"/p/sub/a.tmp"}) == "/p/sub/a.tmp>/app/sub/a.tmp");
    CHECK(planned(web, {"/p/sub/a.log"}) == "");

    const Service only = watched({rule("sync", "/p", "/app", {"skip.js"}, {"**/*.js"})});
    CHECK(planned(only, {"/p/a/b.js"}) == "/p/a/b.js>/app/a/b.js");
    CHECK(planned(only, {"/p/a/b.css"}) == "");
    CHECK(planned(only, {"/p/skip.js"}) == "");

    CHECK_THROWS_AS(WatchRules(watched({rule("sync", "/p", "/app", {"["})})), Error);
}

TEST_CASE(".git, editors' own files and what .dockerignore has trigger nothing") {
    const Service web = watched({rule("sync", "/p", "/app"), rule("rebuild", "/p/Dockerfile")});
    for (const char* name : {".git/index", "sub/.git", "a.js~", ".a.js.swp", ".a.js.swpx", "4913", ".#a.js", "#a.js#",
                             "a.js___jb_tmp___", "sub/a.js___jb_old___", ".goutputstream-AB12"}) {
        CAPTURE(name);
        CHECK(planned(web, {std::string("/p/") + name}) == "");
    }
    for (const char* name : {".gitignore", "a.swp", "14913", "a~b", "#a"}) {
        CAPTURE(name);
        CHECK(planned(web, {std::string("/p/") + name}) != "");
    }
    const ContextIgnore context{"/p", {"dist", "Dockerfile", "**/*.md"}};
    CHECK(planned(web, {"/p/dist/x"}, context) == "");
    CHECK(planned(web, {"/p/docs/x.md"}, context) == "");
    CHECK(planned(web, {"/p/x.js"}, context) == "/p/x.js>/app/x.js");
    // Named by a rule of its own.
    CHECK(planned(web, {"/p/Dockerfile"}, context) == "rebuild");
    // Of a context elsewhere.
    CHECK(planned(web, {"/p/dist/x"}, {"/q", {"dist"}}) == "/p/dist/x>/app/dist/x");
}

TEST_CASE("what a bind mount brings is not synced, but restarts and rebuilds") {
    Service web = watched({rule("sync", "/p", "/app"), rule("sync", "/p/conf/sub", "/c"), rule("restart", "/p/conf")});
    Mount bind;
    bind.type = MountType::bind;
    bind.source = "/p/conf";
    web.volumes = {bind};
    const WatchRules rules(web);
    CHECK(shown(rules.plan({"/p/conf/x"})) == "restart");
    CHECK(shown(rules.plan({"/p/conf/sub/x"})) == "restart");
    CHECK(shown(rules.plan({"/p/config"})) == "/p/config>/app/config");
    REQUIRE(rules.warnings().size() == 1);
    CHECK(rules.warnings()[0].find("develop.watch[1]") != std::string::npos);
}

TEST_CASE("a directory is entered when something in it can trigger a rule") {
    const Service web = watched(
        {rule("sync", "/p", "/app", {"node_modules", "cache", "!cache/keep"}), rule("rebuild", "/p/node_modules/own")});
    const WatchRules rules(web, {"/p", {"target"}});
    struct Case {
        const char* directory;
        bool entered;
    };
    const Case cases[] = {
        {"/p", true},
        {"/p/src", true},
        {"/p/node_modules", false},
        {"/p/node_modules/own", true},
        {"/p/.git", false},
        {"/p/target", false},
        {"/p/cache", true},
        {"/q", false},
        {"/p/src/.git/objects", false},
    };
    for (const Case& c : cases) {
        CAPTURE(c.directory);
        CHECK(rules.enters(c.directory) == c.entered);
    }
}

TEST_CASE("targets are normal paths, and a file's that ends in a slash is a directory") {
    const Service web = watched({rule("sync", "/p/a/", "/app//x/../"), rule("sync", "/p/one.conf", "/etc/")});
    const auto steps = WatchRules(web).plan({"/p/a/f", "/p/one.conf"});
    CHECK(shown(steps) == "/p/a/f>/app/f /p/one.conf>/etc");
    CHECK_FALSE(steps.sync[0].into);
    CHECK(steps.sync[1].into);
    CHECK(steps.sync[1].whole);
    CHECK(planned(watched({rule("sync", "/p", "/")}), {"/p/x"}) == "/p/x>/x");
}

TEST_CASE("initial_sync takes the files of its rules alone") {
    WatchRule first = rule("sync", "/p/a", "/a", {"no"});
    first.initial_sync = true;
    const WatchRules rules(watched({first, rule("sync", "/p/b", "/b")}));
    CHECK(rules.initial_paths() == Texts{"/p/a"});
    const auto copies = rules.initial({"/p/a/x", "/p/a/no", "/p/b/y"});
    REQUIRE(copies.size() == 1);
    CHECK(copies[0].target == "/a/x");
}

TEST_CASE("a rebuild needs a build section") {
    Service web = watched({rule("rebuild", "/p")});
    web.build.reset();
    try {
        WatchRules rules(web);
        FAIL("it was taken");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::invalid_project);
        CHECK(std::string(e.what()) == "service \"web\" doesn't have a build section, can't apply rebuild on watch");
    }
}

TEST_CASE("no rules, no steps") {
    Service plain;
    plain.name = "web";
    const WatchRules rules(plain);
    CHECK(rules.empty());
    CHECK(rules.plan({"/p/x"}).empty());
    CHECK_FALSE(rules.enters("/p"));
}
