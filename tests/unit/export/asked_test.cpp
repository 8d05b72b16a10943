// What every target has to make of one thing: names by which services call each other, and what is executed.
#include "tests/unit/export/exports.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;
using Kind = ExportFinding::Kind;

namespace {

ExportResult exported_to(ExportTarget target, const std::string& services) {
    return export_project(load_text("name: p\nservices:\n" + services), options_for(target));
}

bool says(const ExportResult& result, const char* text) { return all_text(result).find(text) != std::string::npos; }

} // namespace

TEST_CASE("export: an empty entrypoint is none, and the image's does not run with the command") {
    const char* const reset = "  web: {image: i, entrypoint: [], command: [echo, 'a b']}\n";
    for (const auto& [target, text] :
         {std::pair(ExportTarget::kubernetes, "command:\n            - echo\n            - a b\n"),
          std::pair(ExportTarget::swarm, "entrypoint:\n      - echo\n      - a b\n"),
          std::pair(ExportTarget::ecs, "\"entryPoint\": [\n        \"echo\",\n        \"a b\"\n      ]")}) {
        CAPTURE(std::string(text));
        const ExportResult result = exported_to(target, reset);
        CHECK(says(result, text));
        CHECK_FALSE(says(result, "args:"));
        CHECK_FALSE(says(result, "\"command\""));
        CHECK(finding_at(result, "services.web.entrypoint")->kind == Kind::adjusted);
        const ExportResult alone = exported_to(target, "  web: {image: i, entrypoint: []}\n");
        REQUIRE(finding_at(alone, "services.web.entrypoint"));
        CHECK(finding_at(alone, "services.web.entrypoint")->kind == Kind::needs_input);
    }
}

TEST_CASE("export: the name of a container is one where others call it so") {
    const std::string text = "  web: {image: i, environment: {DB: 'my-db:5432'}}\n"
                             "  db: {image: i, container_name: my-db, expose: ['5432']}\n"
                             "  lone: {image: i, container_name: nobody}\n";
    const ExportResult k8s = exported_to(ExportTarget::kubernetes, text);
    CHECK(says(k8s, "kind: Service\nmetadata:\n  name: my-db\n"));
    CHECK_FALSE(says(k8s, "name: nobody\n"));
    const ExportResult swarm = exported_to(ExportTarget::swarm, text);
    CHECK(says(swarm, "networks:\n      default:\n        aliases:\n          - my-db\n"));
    CHECK_FALSE(says(swarm, "nobody"));
    for (const ExportResult* result : {&k8s, &swarm}) {
        CHECK(finding_at(*result, "services.db.container_name")->kind == Kind::adjusted);
        CHECK(finding_at(*result, "services.lone.container_name")->kind == Kind::dropped);
    }
    const ExportResult ecs = exported_to(ExportTarget::ecs, text);
    REQUIRE(finding_at(ecs, "services.db.container_name"));
    CHECK(finding_at(ecs, "services.db.container_name")->why.find("web cannot find my-db") != std::string::npos);
}

TEST_CASE("export: a port by which others call a service is one that it has there") {
    const std::string text = "  web: {image: i, environment: {QUEUE: 'amqp://rabbit:5672/', IMAGE: 'myrabbit:7', "
                             "WEB: 'rabbit:15672'}}\n"
                             "  other: {image: i, command: --queue=rabbit:5672 rabbit:latest}\n"
                             "  rabbit: {image: rabbitmq, ports: ['15672:15672']}\n";
    for (const ExportTarget target : {ExportTarget::kubernetes, ExportTarget::ecs}) {
        const ExportResult result = exported_to(target, text);
        REQUIRE(finding_at(result, "services.rabbit.expose"));
        CHECK(finding_at(result, "services.rabbit.expose")->why.find("other, web asks for rabbit:5672") !=
              std::string::npos);
    }
    CHECK_FALSE(finding_at(
        exported_to(ExportTarget::kubernetes, "  web: {image: i, environment: {DB: 'db:5432'}}\n  db: {image: i}\n"),
        "services.db.expose")); // headless
}

TEST_CASE("export: who runs an image that another service builds gets it from where that one is pushed") {
    const std::string text = "  api: {build: ., image: api}\n  worker: {image: 'api:latest'}\n  own: {build: .}\n"
                             "  other: {image: p-own}\n  cache: {image: redis}\n";
    for (const ExportTarget target : {ExportTarget::kubernetes, ExportTarget::swarm, ExportTarget::ecs}) {
        ExportOptions options = options_for(target);
        options.registry = "r.example.com/team";
        const Project project = load_text("name: p\nservices:\n" + text);
        const ExportResult result = export_project(project, options);
        for (const char* image : {"r.example.com/team/api", "r.example.com/team/p-own"}) {
            const std::string all = all_text(result);
            const auto first = all.find(image);
            REQUIRE(first != std::string::npos);
            CHECK(all.find(image, first + 1) != std::string::npos);
        }
        CHECK(finding_at(result, "services.worker.image")->kind == Kind::adjusted);
        CHECK(finding_at(result, "services.cache.image")->kind == Kind::exact);
        CHECK(result.images.size() == 2);
    }
    const std::string ecr = ".dkr.ecr.us-east-1.amazonaws.com/api\"";
    const std::string all = all_text(exported_to(ExportTarget::ecs, text));
    CHECK(all.find(ecr, all.find(ecr) + 1) != std::string::npos);
}
