#include "cli/docker_words.hpp"

#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"

#include <doctest/doctest.h>
#include <set>

using namespace davit::cli;

namespace {

class Groups : public CommandSink {
public:
    void command(const CommandInfo&) override {}
    void group(std::span<const Verb> verbs) override { verbs_ = verbs; }
    std::span<const Verb> verbs_;
};

std::span<const Verb> verbs_of(const Verb& group) {
    Groups sink;
    Globals asked;
    asked.describe = &sink;
    group.run(asked, {});
    return sink.verbs_;
}

} // namespace

TEST_CASE("docker's words are those of its groups") {
    struct {
        Args given, wanted;
    } cases[] = {
        {{"ps", "-a"}, {"container", "ls", "-a"}},
        {{"images"}, {"image", "ls"}},
        {{"run", "--rm", "x", "ps"}, {"container", "run", "--rm", "x", "ps"}},
        {{"build", "."}, {"image", "build", "."}},
        {{"rmi", "x"}, {"image", "rm", "x"}},
        {{"cp", "a:/x", "."}, {"container", "cp", "a:/x", "."}},
        {{"events"}, {"system", "events"}},
        {{"info"}, {"system", "info"}},
        {{"stack", "ps", "x"}, {"stack", "ps", "x"}},
        {{"container", "exec", "c", "ls"}, {"container", "exec", "c", "ls"}},
    };
    for (auto& [given, wanted] : cases) {
        CAPTURE(given.front());
        CHECK(from_docker_words(given) == std::optional(wanted));
    }
    for (const char* none : {"compose", "up", "down", "ls", "plan", "rollback", "docker", "scale", "bogus", ""})
        CHECK_FALSE(from_docker_words({none}));
    CHECK_FALSE(from_docker_words({}));
}

TEST_CASE("every word of docker is a verb that davit has, once") {
    std::set<std::string_view> seen;
    for (const DockerWord& word : docker_words()) {
        CAPTURE(word.word);
        CHECK(seen.insert(word.word).second);
        CHECK(word.summary[0]);
        if (word.word == "compose") continue;
        const auto path = from_docker_words({std::string(word.word)});
        REQUIRE(path);
        const Verb* verb = find_verb(verbs(), path->front());
        REQUIRE(verb);
        if (path->size() == 1) continue;
        CHECK(find_verb(verbs_of(*verb), path->at(1)));
    }
}

TEST_CASE("all words that docker --help lists are there") {
    for (const char* word :
         {"attach",  "build",  "builder", "buildx",  "commit",  "compose", "config",   "container", "context", "cp",
          "create",  "diff",   "events",  "exec",    "export",  "history", "image",    "images",    "import",  "info",
          "inspect", "kill",   "load",    "login",   "logout",  "logs",    "manifest", "network",   "node",    "pause",
          "plugin",  "port",   "ps",      "pull",    "push",    "rename",  "restart",  "rm",        "rmi",     "run",
          "save",    "search", "secret",  "service", "stack",   "start",   "stats",    "stop",      "swarm",   "system",
          "tag",     "top",    "unpause", "update",  "version", "volume",  "wait"}) {
        CAPTURE(word);
        CHECK(docker_help().find(std::string("\n  ") + word + " ") != std::string::npos);
    }
}

TEST_CASE("the grammar goes by the name") {
    CHECK(grammar_of("docker") == Grammar::docker);
    CHECK(grammar_of("/usr/local/bin/docker") == Grammar::docker);
    CHECK(grammar_of("./docker") == Grammar::docker);
    CHECK(grammar_of("docker-compose") == Grammar::compose);
    CHECK(grammar_of("/usr/libexec/docker/cli-plugins/docker-compose") == Grammar::compose);
    CHECK(grammar_of("davit") == Grammar::davit);
    CHECK(grammar_of("dockerd") == Grammar::davit);
    CHECK(grammar_of("") == Grammar::davit);
}

TEST_CASE("docker compose has its own words, and what davit adds for a project") {
    for (const char* word : {"up", "ps", "build", "run", "config", "images", "ls", "version", "plan", "rollback"})
        CHECK(is_compose_verb(*find_verb(verbs(), word)));
    for (const char* word :
         {"container", "image", "network", "system", "swarm", "stack", "docker", "search", "inspect"})
        CHECK_FALSE(is_compose_verb(*find_verb(verbs(), word)));
}

TEST_CASE("a verb has as many other names as it needs") {
    const Verb verb{"ls", "", nullptr, VerbGroup::project, "list ps"};
    CHECK(answers_to(verb, "ls"));
    CHECK(answers_to(verb, "list"));
    CHECK(answers_to(verb, "ps"));
    CHECK_FALSE(answers_to(verb, "list ps"));
    CHECK_FALSE(answers_to(verb, ""));
    CHECK_FALSE(answers_to(verb, "p"));
}
