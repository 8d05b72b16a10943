#include "cli/cmd/verbs.hpp"
#include "cli/completion/complete.hpp"
#include "cli/completion/values.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit::cli;

namespace {

std::vector<std::string> names(Globals&, const std::string& kind) {
    if (kind == "SERVICE") return {"db", "web", "worker"};
    if (kind == "PROFILE") return {"debug"};
    return {kind + "-1"};
}

std::vector<std::string> offered(const Args& words, Grammar grammar = Grammar::davit) {
    std::vector<std::string> out;
    for (const Candidate& c : complete(words, names, grammar).candidates) out.push_back(c.text);
    return out;
}

bool offers(const Args& words, const std::string& text, Grammar grammar = Grammar::davit) {
    const auto all = offered(words, grammar);
    return std::find(all.begin(), all.end(), text) != all.end();
}

} // namespace

TEST_CASE("docker's words, by its name and behind its word") {
    const Grammar docker = Grammar::docker;
    CHECK(offers({""}, "rmi", docker));
    CHECK(offers({""}, "compose", docker));
    CHECK_FALSE(offers({""}, "up", docker));
    CHECK_FALSE(offers({""}, "__complete", docker));
    CHECK(offered({"rena"}, docker) == std::vector<std::string>{"rename"});
    CHECK(offered({"--context", "default", "unp"}, docker) == std::vector<std::string>{"unpause"});
    CHECK(offers({"ps", "--no-t"}, "--no-trunc", docker));
    CHECK(offers({"network", ""}, "ls", docker));
    CHECK(offered({"network", "rm", ""}, docker) == std::vector<std::string>{"NETWORK-1"});
    CHECK(offered({"compose", "res"}, docker) == std::vector<std::string>{"restart"});
    CHECK_FALSE(offers({"compose", ""}, "network", docker));
    CHECK(offered({"docker", "rena"}) == std::vector<std::string>{"rename"});
    CHECK(offers({"--ho"}, "--host", docker));
    CHECK(offered({"nosuch", ""}, docker).empty());
}

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

TEST_CASE("every option with fixed values offers them") {
    const std::vector<std::string> states{"created", "running", "paused", "restarting", "removing", "exited", "dead"};
    const auto with = [](const std::string& key, std::vector<std::string> values) {
        for (std::string& v : values) v.insert(0, key);
        return values;
    };
    const std::pair<Args, std::vector<std::string>> cases[] = {
        {{"config", "--format", ""}, {"yaml", "json"}},
        {{"config", "--format=j"}, {"--format=json"}},
        {{"config", "--hash", "w"}, {"web", "worker"}},
        {{"completion", ""}, {"SHELL-1"}},
        {{"ps", "--format", ""}, {"table", "json"}},
        {{"ps", "--filter", "status=r"}, {"status=running", "status=restarting", "status=removing"}},
        {{"ps", "--status", "ex"}, {"exited"}},
        {{"ls", "--format", ""}, {"table", "json"}},
        {{"ls", "--filter", ""}, {"name="}},
        {{"images", "--format", ""}, {"table", "json"}},
        {{"stats", "--format", ""}, {"table", "json"}},
        {{"volumes", "--format", ""}, {"table", "json"}},
        {{"version", "-f", ""}, {"pretty", "json"}},
        {{"plan", "--format", ""}, {"text", "json"}},
        {{"up", "--pull", ""}, {"always", "missing", "never"}},
        {{"run", "--pull", "n"}, {"never"}},
        {{"pull", "--policy", ""}, {"missing", "always"}},
        {{"down", "--rmi", ""}, {"local", "all"}},
        {{"port", "--protocol", ""}, {"tcp", "udp"}},
        {{"logs", "--tail", ""}, {"all"}},
        {{"run", "--cap-add", "NET_A"}, {"NET_ADMIN"}},
        {{"run", "--cap-drop", "AL"}, {"ALL"}},
        {{"scale", "we"}, {"web="}},
        {{"cp", "we"}, {"web:"}},
        {{"container", "ls", "-f", "status=e"}, {"status=exited"}},
        {{"container", "ls", "-f", "l"}, {"label="}},
        {{"container", "ls", "-f", "health="}, with("health=", {"starting", "healthy", "unhealthy", "none"})},
        {{"container", "ls", "--format", ""}, {"table", "json"}},
        {{"container", "inspect", "--format", ""}, {"json"}},
        {{"container", "inspect", ""}, {"CONTAINER-1"}},
        {{"image", "ls", "-f", "d"}, {"dangling=true", "dangling=false"}},
        {{"image", "ls", "-f", "l"}, {"label="}},
        {{"image", "ls", ""}, {"REPOSITORY-1"}},
        {{"build", "--progress", "p"}, {"plain"}},
        {{"build", "w"}, {"web", "worker"}},
        {{"image", "build", "--progress", ""}, {"auto", "plain", "tty", "quiet", "rawjson"}},
        {{"image", "build", "--network", ""}, {"default", "none", "host"}},
        {{"image", "build", "--call", "c"}, {"check"}},
        {{"image", "build", "--allow", "n"}, {"network.host"}},
        {{"image", "build", "--target", ""}, {"STAGE-1"}},
        {{"image", "build", "-o", "type=l"}, {"type=local,dest="}},
        {{"image", "rm", ""}, {"IMAGE-1"}},
        {{"image", "push", ""}, {"IMAGE-1"}},
        {{"image", "save", ""}, {"IMAGE-1"}},
        {{"image", "tag", ""}, {"IMAGE-1"}},
        {{"image", "history", "--format", ""}, {"table", "json"}},
        {{"image", "pull", "--platform", "linux/am"}, {"linux/amd64"}},
        {{"network", "ls", "-f", ""},
         {"name=", "id=", "driver=", "scope=local", "scope=swarm", "type=builtin", "type=custom",
          "label=", "dangling=true", "dangling=false"}},
        {{"network", "inspect", ""}, {"NETWORK-1"}},
        {{"volume", "ls", "-f", "dangling="}, {"dangling=true", "dangling=false"}},
        {{"volume", "rm", ""}, {"VOLUME-1"}},
        {{"service", "ps", ""}, {"SWARM_SERVICE-1"}},
        {{"service", "ls", "-f", "mode=g"}, {"mode=global", "mode=global-job"}},
        {{"stack", "ps", ""}, {"STACK-1"}},
        {{"secret", "rm", ""}, {"SECRET-1"}},
        {{"node", "update", ""}, {"NODE-1"}},
        {{"system", "doctor", "--format", ""}, {"text", "json"}},
    };
    for (const auto& [words, expected] : cases) {
        INFO(words.back(), " of ", words.front());
        CHECK(offered(words) == expected);
    }
    CHECK(offered({"ps", "--status", ""}).size() == states.size());
    CHECK(offered({"container", "ls", "--filter", "status="}) == with("status=", states));
    for (const Args& words : {Args{"config", "-o", ""}, Args{"cp", "./x"}, Args{"run", "--env-from-file", ""},
                              Args{"image", "load", "-i", ""}, Args{"--project-directory", ""}})
        CHECK(complete(words, names).files);
}

TEST_CASE("asking what a verb takes does not run it") {
    for (const char* verb : {"build", "push", "publish", "watch"}) CHECK(offers({verb, "--dr"}, "--dry-run"));
}

TEST_CASE("the values an option's help lists") {
    CHECK(listed_values("When (\"never\"|\"always\"|\"auto\")") == std::vector<std::string>{"never", "always", "auto"});
    CHECK(listed_values("Type (auto, tty, plain)") == std::vector<std::string>{"auto", "tty", "plain"});
    CHECK(listed_values("Format the output. Values: [table | json]") == std::vector<std::string>{"table", "json"});
    CHECK(listed_values("Maximum parallelism, -1 for unlimited").empty());
    CHECK(listed_values("Alternate directory (default: the path of the first file)").empty());
    CHECK(listed_values("Nothing (in this version)").empty());
}
