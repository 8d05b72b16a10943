// Keys for targets, and what nobody wrote.
#include "base/file.hpp"
#include "export/report.hpp"
#include "tests/unit/export/exports.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <set>

using namespace davit;
using namespace davit::test;
using Kind = ExportFinding::Kind;

namespace {

// "x-k8s-size" and the like, as they stand in quotes in the code.
std::set<std::string> quoted_in(const std::string& directory, const std::string& prefix) {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (entry.path().extension() != ".cpp" || entry.path().filename() == "extensions.cpp") continue;
        const std::string text = read_file(entry.path());
        for (std::size_t at = 0; (at = text.find('"' + prefix, at)) != std::string::npos; ++at) {
            const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-", at + 1);
            const std::string key = text.substr(at + 1, end - at - 1);
            if (key != prefix && text[end] == '"') out.insert(key);
        }
    }
    return out;
}

} // namespace

TEST_CASE("export: a key for the target that nothing reads is dropped, with the one that may be meant") {
    const Project project = load_text(R"(
name: p
x-aws-loadbalancer: arn
x-aws-sheme: internal
services:
  web:
    image: i
    x-aws-foo: 1
    x-aws-cluster: c
    x-k8s-bogus: true
    x-k8s-livenes: true
    x-k8s-size: 2Gi
    x-k8s-ingress: example.com
    x-other: 1
    deploy: {x-aws-autoscaling: {max: 4}}
)");
    const ExportResult k8s = export_project(project, options_for(ExportTarget::kubernetes));
    REQUIRE(finding_at(k8s, "services.web.x-k8s-bogus"));
    CHECK(finding_at(k8s, "services.web.x-k8s-bogus")->kind == Kind::dropped);
    CHECK(finding_at(k8s, "services.web.x-k8s-bogus")->hint.find("x-k8s-liveness") != std::string::npos);
    CHECK(finding_at(k8s, "services.web.x-k8s-livenes")->hint == "did you mean x-k8s-liveness?");
    CHECK(finding_at(k8s, "services.web.x-k8s-size")->kind == Kind::dropped);
    CHECK(finding_at(k8s, "services.web.x-k8s-size")->hint.find("volume") != std::string::npos);
    CHECK(finding_at(k8s, "services.web.x-k8s-ingress")->kind == Kind::exact);
    CHECK(finding_at(k8s, "services.web.x-aws-foo")->kind == Kind::exact); // another target's
    CHECK(finding_at(k8s, "services.web.x-other")->kind == Kind::exact);
    const ExportResult ecs = export_project(project, options_for(ExportTarget::ecs));
    for (const char* key :
         {"x-aws-loadbalancer", "x-aws-sheme", "services.web.x-aws-foo", "services.web.x-aws-cluster"}) {
        CAPTURE(std::string(key));
        REQUIRE(finding_at(ecs, key));
        CHECK(finding_at(ecs, key)->kind == Kind::dropped);
        CHECK_FALSE(finding_at(ecs, key)->hint.empty());
    }
    // Where compose-cli had it.
    REQUIRE(finding_at(ecs, "services.web.deploy.x-aws-autoscaling"));
    CHECK(finding_at(ecs, "services.web.deploy.x-aws-autoscaling")->kind == Kind::dropped);
    CHECK(finding_at(ecs, "services.web.deploy.x-aws-autoscaling")->hint == "it belongs at a service");
    CHECK(finding_at(ecs, "x-aws-sheme")->hint == "did you mean x-aws-scheme?");
    CHECK(finding_at(ecs, "services.web.x-k8s-bogus")->kind == Kind::exact);
}

TEST_CASE("export: every key that the code reads is known") {
    for (const std::string prefix : {"x-k8s-", "x-aws-"}) {
        const auto known = exports::known_extensions(prefix);
        const auto read = quoted_in(DAVIT_EXPORT_CODE, prefix);
        CHECK(read.size() > 9);
        for (const std::string& key : read) {
            CAPTURE(key);
            CHECK(std::find(known.begin(), known.end(), key) != known.end());
        }
    }
}

TEST_CASE("export: of dependencies that nobody wrote nothing is lost") {
    const Project project = load_text(R"(
name: p
services:
  app: {image: i, expose: ["80"]}
  side: {image: j, network_mode: "service:app"}
  linked: {image: k, links: [app]}
)");
    for (const ExportTarget target : {ExportTarget::kubernetes, ExportTarget::ecs, ExportTarget::systemd}) {
        const ExportResult result = export_project(project, options_for(target));
        for (const ExportFinding& f : result.findings) {
            CAPTURE(f.path);
            CHECK(f.path.find("depends_on") == std::string::npos);
            if (f.path != "services.linked.links") CHECK(f.kind != Kind::dropped); // ECS has none
        }
    }
    // What is written is reported as before.
    const ExportResult written =
        export_project(load_text("name: p\nservices:\n  a: {image: i}\n  b: {image: j, depends_on: {a: {condition: "
                                 "service_completed_successfully}}}\n"),
                       options_for(ExportTarget::kubernetes));
    REQUIRE(finding_at(written, "services.b.depends_on.a"));
    CHECK(finding_at(written, "services.b.depends_on.a")->kind == Kind::dropped);
}
