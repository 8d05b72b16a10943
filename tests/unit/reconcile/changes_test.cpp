// What differs, in words that may be shown; and a plan as people read it.
#include "davit/to_string.hpp"
#include "fixture.hpp"
#include "reconcile/hashes.hpp"

using namespace davit;
using davit::test::World;

namespace {

std::string changed(const std::string& before, const std::string& after) {
    auto model = [](const std::string& service) { return R"({"services": {"api": )" + service + "}}"; };
    return changed_attributes(model(before), model(after), "api");
}

} // namespace

TEST_CASE("changes are told with both values") {
    CHECK(changed(R"({"environment": {"MODE": "dev", "A": "1"}})",
                  R"({"environment": {"MODE": "staging", "B": null}})") ==
          R"(environment A "1" is gone, environment B unset is new, environment MODE "dev" → "staging")");
    CHECK(changed(R"({"image": "a:1", "cap_add": ["X"], "tty": false})",
                  R"({"image": "a:2", "cap_add": ["Y"], "tty": true, "init": true})") ==
          R"(cap_add, image "a:1" → "a:2", init true is new, tty false → true)");
    CHECK(changed(R"({"deploy": {"resources": {"limits": {"cpus": 1}}}})",
                  R"({"deploy": {"resources": {"limits": {"cpus": 2}}}})") == "deploy resources.limits.cpus 1 → 2");
    CHECK(changed(R"({"ports": [{"target": 80}]})", R"({"ports": [{"target": 81}]})") == "ports");
    CHECK(changed(R"({"image": "a", "scale": 1, "depends_on": {"x": {}}})", R"({"image": "a", "scale": 2})").empty());
    CHECK(changed_attributes("no json", "{}", "api").empty());
}

TEST_CASE("what may be a secret is named and not shown") {
    for (const char* name : {"DB_PASSWORD", "PGPASS", "API_TOKEN", "aws_secret_access_key", "SIGNING_KEY", "SENTRY_DSN",
                             "GH_PRIVATE", "MYSQL_PWD", "BASIC_AUTH"}) {
        CAPTURE(name);
        CHECK(changed(fmt::format(R"({{"environment": {{"{}": "old"}}}})", name),
                      fmt::format(R"({{"environment": {{"{}": "new"}}}})", name)) ==
              fmt::format("environment {}", name));
    }
    for (const char* value : {"postgres://me:pass@db/x", "-----BEGIN KEY-----", "eyJhbGciOi", "--password=x",
                              "Bearer abc", "AKIAIOSFODNN7EXAMPLE0", "line\\nother",
                              "a value that is so long that nobody wants to read it in one line of a plan"}) {
        CAPTURE(value);
        CHECK(changed(R"({"environment": {"URL": "plain"}})",
                      fmt::format(R"({{"environment": {{"URL": "{}"}}}})", value)) == "environment URL");
        CHECK(changed(fmt::format(R"({{"labels": {{"l": "{}"}}}})", value), R"({"labels": {}})") == "labels l");
    }
    CHECK(changed(R"({"command": ["--token", "x"]})", R"({"command": ["--token", "y"]})") == "command");
    CHECK(changed(R"({"environment": {"HOST": "http://a/b"}})", R"({"environment": {"HOST": "http://a@b"}})") ==
          "environment HOST");
    CHECK(changed(R"({"stop_signal": "SIGTERM"})", R"({"stop_signal": "SIGINT"})") ==
          R"(stop_signal "SIGTERM" → "SIGINT")");
}

TEST_CASE("a plan in short: a line for each thing, with what happens and why") {
    World w;
    w.network("default");
    w.network("front");
    w.existing_network("front", "old");
    w.volume("data");
    w.service("api").networks["default"];
    w.container("api", 1).record.config_hash = "old";
    w.options.changes = [](const ObservedContainer&) { return R"(environment MODE "dev" → "staging")"; };
    w.service("db").healthcheck.emplace();
    w.service("down");
    w.container("down", 1, ContainerState::exited);
    w.service("front").networks["front"];
    w.container("front", 1);
    w.service("many").scale = 1;
    w.container("many", 1);
    w.container("many", 2);
    w.container("old", 1);
    w.options.remove_orphans = true;
    w.options.wait = true;
    w.observed.images.erase("busybox");
    w.service("web", "web:2");
    w.observed.images.erase("web:2");
    w.plan();
    CHECK(to_summary(w.result.plan) == R"(network default: create
front-1: restart: network 'front' changed
network front: recreate: configuration changed
volume data: create
old-1: remove: orphan
image busybox: pull: not present
api-1: recreate: environment MODE "dev" → "staging"
db-1: create and start
many-2: remove: scale is 1
image web:2: pull: not present
web-1: create and start
down-1: start: it is exited
)");
    CHECK(to_summary(Plan()).empty());
}

TEST_CASE("the words of the public values") {
    CHECK(std::string(to_string(Errc::invalid_project)) == "invalid_project");
    CHECK(std::string(to_string(Diagnostic::Severity::warning)) == "warning");
    CHECK(std::string(to_string(DependencyCondition::completed_successfully)) == "service_completed_successfully");
    CHECK(std::string(to_string(MountType::tmpfs)) == "tmpfs");
    CHECK(std::string(to_string(RestartPolicy::Kind::unless_stopped)) == "unless-stopped");
    CHECK(std::string(to_string(EventKind::operation_done)) == "operation_done");
    CHECK(std::string(to_string(WaitCondition::healthy)) == "healthy");
    CHECK(std::string(to_string(PullMode::by_service)) == "policy");
}
