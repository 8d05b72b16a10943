// What differs between two revisions.
#include "davit/revisions.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace davit;

namespace {

std::string text(const Revision& from, const Revision& to) {
    std::string out;
    for (const auto& c : changes_between(from, to)) {
        out += fmt::format("{} {}\n", c.section, c.name);
        for (const auto& line : c.before) out += fmt::format("-{}: {}\n", c.attribute, c.hidden ? "?" : line);
        for (const auto& line : c.after) out += fmt::format("+{}: {}\n", c.attribute, c.hidden ? "?" : line);
    }
    return out;
}

Revision with(const std::string& model) {
    Revision r;
    r.model = model;
    return r;
}

Revision web(const std::string& service) { return with(R"({"services": {"web": )" + service + "}}"); }

} // namespace

TEST_CASE("attributes differ by their values, those of maps each for itself") {
    CHECK(text(web(R"({"image": "a:1", "environment": {"MODE": "dev", "A": "1"}, "command": ["sleep", "1"]})"),
               web(R"({"image": "a:2", "environment": {"MODE": "live"}, "command": ["sleep", "2"]})")) ==
          "service web\n-command: [\"sleep\",\"1\"]\n+command: [\"sleep\",\"2\"]\n"
          "service web\n-environment A: \"1\"\n"
          "service web\n-environment MODE: \"dev\"\n+environment MODE: \"live\"\n"
          "service web\n-image: \"a:1\"\n+image: \"a:2\"\n");
    CHECK(text(web("{\"scale\": 1}"), web("{\"scale\": 2}")) == "service web\n-scale: 1\n+scale: 2\n");
    CHECK(text(web("{}"), web("{}")).empty());
    CHECK(text(with("no model"), with("")).empty());
}

TEST_CASE("of ports and mounts only those are told that one side lacks") {
    CHECK(text(web(R"({"ports": [{"target": 80}, {"target": 81}]})"),
               web(R"({"ports": [{"target": 80}, {"target": 82}]})")) ==
          "service web\n-ports: {\"target\":81}\n+ports: {\"target\":82}\n");
}

TEST_CASE("a service, a network, a volume that comes or goes is told whole") {
    CHECK(text(with(R"({"services": {}, "networks": {"old": {"name": "p_old"}}})"),
               with(R"({"services": {"db": {"image": "pg"}}, "volumes": {"data": {"name": "p_data"}}})")) ==
          "service db\n+image: \"pg\"\nnetwork old\n-name: \"p_old\"\nvolume data\n+name: \"p_data\"\n");
}

TEST_CASE("what may be a secret is not shown, wherever it stands") {
    CHECK(text(web(R"({"environment": {"DB_PASSWORD": "a"}, "command": ["x", "--token=a"]})"),
               web(R"({"environment": {"DB_PASSWORD": "b"}, "command": ["x", "--token=b"]})")) ==
          "service web\n-command: ?\n+command: ?\nservice web\n-environment DB_PASSWORD: ?\n"
          "+environment DB_PASSWORD: ?\n");
    for (const auto& change : changes_between(web(R"({"environment": {"DB_PASSWORD": "a"}})"), web("{}"))) {
        CHECK(change.hidden);
        CHECK(change.before == std::vector<std::string>{""});
        CHECK(change.after.empty());
    }
}

TEST_CASE("another image under the same name, and another content, are told by id and keyed hash") {
    Revision a = web(R"({"image": "app:latest"})"), b = a;
    a.images = {{"web", "app:latest", "sha256:aa", ""}};
    b.images = {{"web", "app:latest", "sha256:bb", ""}};
    CHECK(text(a, b) == "service web\n-image id: \"sha256:aa\"\n+image id: \"sha256:bb\"\n");
    b.images = a.images;
    a.contents = {{RevisionContent::Kind::secret, "db", std::string(64, '1'), 6, "DB", ""}};
    b.contents = {{RevisionContent::Kind::secret, "db", std::string(64, '2'), 7, "DB", ""}};
    CHECK(text(a, b) == "secret db\n-content: 111111111111 (6 bytes)\n+content: 222222222222 (7 bytes)\n");
    b.contents = {};
    CHECK(text(a, b) == "secret db\n-content: 111111111111 (6 bytes)\n");
}

TEST_CASE("a Swarm service's specification is told without the levels of Docker's API") {
    const auto spec = [](const char* env, int replicas, const char* more) {
        return fmt::format(R"({{"Name": "x_web", "Labels": {{"com.docker.stack.image": "a", "team": "t"}},
            "TaskTemplate": {{"ContainerSpec": {{"Image": "a:1", "Env": [{}]}}, "ForceUpdate": {}, "Runtime": "container"}},
            "Mode": {{"Replicated": {{"Replicas": {}}}}}, "EndpointSpec": {{"Mode": "vip"{}}}}})",
                           env, replicas, replicas, more);
    };
    CHECK(text(web(spec(R"("MODE=one", "DB_PASSWORD=a", "A")", 1, "")),
               web(spec(R"("MODE=two", "DB_PASSWORD=b", "A")", 2, R"(, "Ports": [{"TargetPort": 80}])"))) ==
          "service web\n-Env DB_PASSWORD: ?\n+Env DB_PASSWORD: ?\n"
          "service web\n-Env MODE: \"one\"\n+Env MODE: \"two\"\n"
          "service web\n+Ports: {\"TargetPort\":80}\n"
          "service web\n-Replicas: 1\n+Replicas: 2\n");
    CHECK(text(web(spec("", 1, "")), web(spec("", 1, ""))).empty());
}
