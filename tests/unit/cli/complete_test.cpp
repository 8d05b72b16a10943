#include "cli/completion/complete.hpp"

#include <doctest/doctest.h>
#include <algorithm>

using namespace davit::cli;

namespace {

std::vector<std::string> names(Globals&, const std::string& kind) {
    if (kind == "SERVICE") return {"db", "web", "worker"};
    if (kind == "PROFILE") return {"debug"};
    return {kind + "-1"};
}

std::vector<std::string> offered(const Args& words) {
    std::vector<std::string> out;
    for (const Candidate& c : complete(words, names).candidates) out.push_back(c.text);
    return out;
}

bool offers(const Args& words, const std::string& text) {
    const auto all = offered(words);
    return std::find(all.begin(), all.end(), text) != all.end();
}

} // namespace

TEST_CASE("verbs, groups and their verbs are offered by how they begin") {
    CHECK(offered({"res"}) == std::vector<std::string>{"restart"});
    CHECK(offers({""}, "up"));
    CHECK_FALSE(offers({""}, "__complete"));
    CHECK(offered({"compose", "res"}) == std::vector<std::string>{"restart"});
    CHECK(offered({"-f", "x.yaml", "--profile=debug", "res"}) == std::vector<std::string>{"restart"});
    CHECK(offered({"network", "l"}) == std::vector<std::string>{"ls"});
    CHECK(offered({"network", "rm", ""}) == std::vector<std::string>{"NETWORK-1"});
    CHECK(offered({"nosuch", ""}).empty());
}

TEST_CASE("options come from the verb's own table") {
    CHECK(offers({"up", "--wa"}, "--wait"));
    CHECK(offers({"up", "--wa"}, "--wait-timeout"));
    CHECK_FALSE(offers({"up", "--wa"}, "--build"));
    CHECK(offers({"up", "-"}, "--help"));
    CHECK(offers({"--proj"}, "--project-name"));
}

TEST_CASE("services are offered where a service goes") {
    CHECK(offered({"up", ""}) == std::vector<std::string>{"db", "web", "worker"});
    CHECK(offered({"up", "-d", "w"}) == std::vector<std::string>{"web", "worker"});
    CHECK(offered({"up", "--scale", "we"}) == std::vector<std::string>{"web="});
    CHECK(offered({"exec", "-T", "w"}) == std::vector<std::string>{"web", "worker"});
    CHECK(complete({"exec", "web", "/bi"}, names).files);
    CHECK(offered({"exec", "web", "w"}).empty());
    CHECK(offered({"version", ""}).empty());
}

TEST_CASE("an option's values are offered") {
    CHECK(offered({"--progress", "p"}) == std::vector<std::string>{"plain"});
    CHECK(offered({"--progress=p"}) == std::vector<std::string>{"--progress=plain"});
    CHECK(offered({"--ansi", ""}) == std::vector<std::string>{"never", "always", "auto"});
    CHECK(offered({"--profile", ""}) == std::vector<std::string>{"debug"});
    CHECK(offered({"kill", "-s", "SIGU"}) == std::vector<std::string>{"SIGUSR1", "SIGUSR2"});
    CHECK(complete({"-f", ""}, names).files);
    CHECK(complete({"--env-file=x"}, names).files);
}

TEST_CASE("the values an option's help lists") {
    CHECK(listed_values("When (\"never\"|\"always\"|\"auto\")") == std::vector<std::string>{"never", "always", "auto"});
    CHECK(listed_values("Type (auto, tty, plain)") == std::vector<std::string>{"auto", "tty", "plain"});
    CHECK(listed_values("Format the output. Values: [table | json]") == std::vector<std::string>{"table", "json"});
    CHECK(listed_values("Maximum parallelism, -1 for unlimited").empty());
    CHECK(listed_values("Alternate directory (default: the path of the first file)").empty());
    CHECK(listed_values("Nothing (in this version)").empty());
}
