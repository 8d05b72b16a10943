#include "rootfs/commit.hpp"

#include "base/error.hpp"
#include "rootfs/commit_changes.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::rootfs;
using Json = nlohmann::json;

namespace {

const char* const base = R"({"architecture":"amd64","os":"linux","created":"2020-01-01T00:00:00Z","author":"first",
 "config":{"Env":["PATH=/bin"],"Entrypoint":["/entry"],"Cmd":["serve"],"Labels":{"of":"image"}},
 "rootfs":{"type":"layers","diff_ids":["sha256:one"]},"history":[{"created_by":"first"}]})";

runtime::Spec spec_with(std::vector<std::string> args) {
    runtime::Spec spec;
    spec.process.args = std::move(args);
    spec.process.env = {"PATH=/bin", "HOSTNAME=abc", "A=1"};
    spec.process.cwd = "/srv";
    return spec;
}

Json committed(const runtime::Spec& spec, const CommitOptions& options = {}, const CommittedOf& of = {}) {
    return Json::parse(committed_config(base, spec, options, of, "sha256:two", "2026-01-01T00:00:00Z"));
}

Json changed(const std::string& change, const char* config = "{}") {
    Json out = Json::parse(config);
    apply_changes(out, {change});
    return out;
}

} // namespace

TEST_CASE("commit: the image is started as the container was") {
    const Json made = committed(spec_with({"/entry", "other", "words"}));
    CHECK(made["config"]["Entrypoint"] == Json{"/entry"});
    CHECK(made["config"]["Cmd"] == Json{"other", "words"});
    CHECK(made["config"]["Env"] == Json{"A=1", "PATH=/bin"});
    CHECK(made["config"]["WorkingDir"] == "/srv");
    const Json own = committed(spec_with({"sh", "-c", "x"}));
    CHECK_FALSE(own["config"].contains("Entrypoint"));
    runtime::Spec at_root = spec_with({"sh"});
    at_root.process.cwd = "/"; // where nobody said anything
    CHECK_FALSE(committed(at_root)["config"].contains("WorkingDir"));
    CHECK(own["config"]["Cmd"] == Json{"sh", "-c", "x"});
}

TEST_CASE("commit: one layer and one entry of history are added") {
    CommitOptions options;
    options.author = "me";
    options.message = "why";
    const Json made = committed(spec_with({"sh"}), options, {{{"mine", "1"}}, {"80/tcp"}});
    CHECK(made["config"]["ExposedPorts"] == Json{{"80/tcp", Json::object()}});
    CHECK(made["rootfs"]["diff_ids"] == Json{"sha256:one", "sha256:two"});
    REQUIRE(made["history"].size() == 2);
    CHECK(made["history"][1]["comment"] == "why");
    CHECK(made["history"][1]["created_by"] == "sh");
    CHECK(made["author"] == "me");
    CHECK(made["created"] == "2026-01-01T00:00:00Z");
    CHECK(made["config"]["Labels"] == Json{{"of", "image"}, {"mine", "1"}});
}

TEST_CASE("commit: changes are Dockerfile instructions") {
    CHECK(changed("CMD [\"a\", \"b c\"]")["Cmd"] == Json{"a", "b c"});
    CHECK(changed("cmd run this")["Cmd"] == Json{"/bin/sh", "-c", "run this"});
    CHECK(changed("ENTRYPOINT x", R"({"Shell":["/bin/bash","-ec"]})")["Entrypoint"] == Json{"/bin/bash", "-ec", "x"});
    CHECK(changed("ENV A=2 B='x y'", R"({"Env":["A=1","C=3"]})")["Env"] == Json{"A=2", "C=3", "B=x y"});
    CHECK(changed("ENV A all of it")["Env"] == Json{"A=all of it"});
    CHECK(changed("LABEL a=1 b=2")["Labels"] == Json{{"a", "1"}, {"b", "2"}});
    CHECK(changed("EXPOSE 80 53/udp")["ExposedPorts"] == Json{{"80/tcp", Json::object()}, {"53/udp", Json::object()}});
    CHECK(changed("VOLUME [\"/a\", \"/b\"]")["Volumes"] == Json{{"/a", Json::object()}, {"/b", Json::object()}});
    CHECK(changed("USER 5:6")["User"] == "5:6");
    CHECK(changed("WORKDIR /w")["WorkingDir"] == "/w");
    CHECK(changed("STOPSIGNAL SIGQUIT")["StopSignal"] == "SIGQUIT");
    CHECK(changed("ENV P=$A:/x", R"({"Env":["A=1"]})")["Env"] == Json{"A=1", "P=1:/x"});
    CHECK(changed("HEALTHCHECK --interval=5s --retries=2 CMD [\"true\"]")["Healthcheck"] ==
          Json{{"Test", {"CMD", "true"}}, {"Interval", 5'000'000'000}, {"Retries", 2}});
    CHECK(changed("HEALTHCHECK NONE")["Healthcheck"] == Json{{"Test", {"NONE"}}});
    CHECK(changed("ONBUILD RUN b", R"({"OnBuild":["RUN a"],"Other":1})") ==
          Json{{"OnBuild", {"RUN a", "RUN b"}}, {"Other", 1}});
    CHECK_FALSE(changed("ENTRYPOINT [\"e\"]", R"({"Cmd":["c"]})").contains("Cmd"));
    CHECK(changed("WORKDIR b", R"({"WorkingDir":"/a"})")["WorkingDir"] == "/a/b");
    CHECK(changed("CMD [\"a\"]") == Json{{"Cmd", {"a"}}}); // and no PATH comes with it
    for (const char* wrong : {"RUN x", "SHELL [\"x\"]", "COPY a b", "HEALTHCHECK", "HEALTHCHECK MAYBE x",
                              "CMD x\nFROM y", "BOGUS", "ENV", "ENV A", "ENV A=1 B", "FROM x", "LABEL 'a=1"}) {
        INFO(std::string(wrong));
        CHECK_THROWS_AS(changed(wrong), Error);
    }
}
