#include "export/common.hpp"
#include "export/ecs/plan.hpp"
#include "tests/unit/export/exports.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace davit;
using namespace davit::test;

namespace {

constexpr std::int64_t mib = 1024 * 1024;

nlohmann::json only_service(const std::string& lines) {
    ExportOptions options = options_for(ExportTarget::ecs);
    const ExportResult result =
        export_project(load_text("name: p\nservices:\n  web:\n    image: i\n" + lines), options);
    for (const ExportedFile& f : result.files)
        if (f.path == "web.service.json") return nlohmann::json::parse(f.text);
    return {};
}

} // namespace

TEST_CASE("ecs: the smallest size of Fargate that has what is asked for") {
    struct Row {
        double cpus;
        std::int64_t memory; // MiB
        int cpu, size;       // 0: there is none
    };
    for (const Row& r :
         {Row{0, 0, 256, 512}, Row{0.25, 512, 256, 512}, Row{0.25, 513, 256, 1024}, Row{0.25, 1025, 256, 2048},
          Row{0.25, 2049, 512, 3072}, Row{0.3, 100, 512, 1024}, Row{1, 8193, 2048, 9216}, Row{2, 4097, 2048, 5120},
          Row{4, 30720, 4096, 30720}, Row{4, 30721, 8192, 32768}, Row{8, 16385, 8192, 20480},
          Row{9, 51200, 16384, 57344}, Row{16, 122880, 16384, 122880}, Row{16, 122881, 0, 0}, Row{17, 1, 0, 0}}) {
        CAPTURE(r.cpus);
        CAPTURE(r.memory);
        const auto size = exports::ecs::fargate_size(r.cpus, r.memory * mib);
        REQUIRE(size.has_value() == (r.cpu != 0));
        if (!size) continue;
        CHECK(size->cpu == r.cpu);
        CHECK(size->memory == r.size);
    }
}

TEST_CASE("ecs: percentages leave room for the next task: down at least, up at most") {
    struct Row {
        const char* update;
        int replicas, least, most;
    };
    for (const Row& r : {Row{"order: start-first", 3, 100, 134}, Row{"order: start-first", 7, 100, 115},
                         Row{"order: start-first, parallelism: 0", 3, 100, 200}, Row{"order: stop-first", 3, 66, 100},
                         Row{"parallelism: 1", 1, 0, 100}, Row{"parallelism: 9", 2, 0, 100}}) {
        CAPTURE(r.update);
        const auto service = only_service("    deploy: {replicas: " + std::to_string(r.replicas) +
                                          ", update_config: {" + r.update + "}}\n");
        const auto& d = service.at("deploymentConfiguration");
        CHECK(d.at("minimumHealthyPercent") == r.least);
        CHECK(d.at("maximumPercent") == r.most);
        // So many tasks may run at once: more than are wanted, or one may stop.
        CHECK((r.replicas * r.most / 100 > r.replicas || (r.replicas * r.least + 99) / 100 < r.replicas));
    }
}

TEST_CASE("export: names become labels that differ") {
    const auto labels = exports::dns_labels({"my-db", "my_db", "MY.DB", "2nd", "web"});
    CHECK(labels.at("my-db") == "my-db");
    CHECK(labels.at("web") == "web");
    CHECK(labels.at("2nd") == "s-2nd");
    std::set<std::string> all;
    for (const auto& [name, label] : labels) all.insert(label);
    CHECK(all.size() == labels.size());
    CHECK(exports::dns_label(std::string(80, 'a')).size() <= 63);
}

TEST_CASE("export: a version says that a value has changed, and the same twice") {
    CHECK(exports::secret_version("k", "a", "x") == exports::secret_version("k", "a", "x"));
    CHECK(exports::secret_version("k", "a", "x") != exports::secret_version("k", "a", "y"));
    CHECK(exports::secret_version("k", "a", "x") != exports::secret_version("l", "a", "x"));
    CHECK(exports::secret_version("k", "a", "x") != exports::secret_version("k", "b", "x"));
    CHECK(exports::secret_version("k", "a", "x").size() == 8);
}

TEST_CASE("ecs: a task definition that is too long is refused, with the place") {
    try {
        export_project(load_text("name: p\nservices:\n  web:\n    image: i\n    environment: {LONG: " +
                                 std::string(70000, 'x') + "}\n"),
                       options_for(ExportTarget::ecs));
        FAIL("it was taken");
    } catch (const Error& e) {
        CHECK(std::string(e.what()).find("65536") != std::string::npos);
        CHECK(e.at().line > 0);
        CHECK_FALSE(e.hint().empty());
    }
}

TEST_CASE("ecs: in one task two containers cannot have the same port") {
    ExportOptions options = options_for(ExportTarget::ecs);
    options.layout = EcsLayout::task;
    CHECK_THROWS_AS(
        export_project(
            load_text("name: p\nservices:\n  a: {image: i, expose: [\"80\"]}\n  b: {image: j, expose: [\"80\"]}\n"),
            options),
        Error);
}

TEST_CASE("kubernetes: what its validator refuses is told, not written") {
    const ExportResult result = export_project(load_text(R"(
name: p
services:
  web:
    image: i
    labels: {fine: a, traefik.http.routers.web.rule: b, com.example/nice_one: c, "no good": d, a/b/c: e, -x: f, .com/x: g, "a..b/x": h}
    volumes: ["data:/etc/app.conf"]
    configs: [{source: app, target: /etc/app.conf}]
volumes: {data: {labels: {"$K": v}}}
configs: {app: {content: x}}
)"),
                                               options_for(ExportTarget::kubernetes));
    const std::string text = all_text(result);
    for (const char* word : {"fine:", "traefik.http.routers.web.rule:", "com.example/nice_one:"})
        CHECK(text.find(word) != std::string::npos);
    std::set<std::string> dropped;
    for (const ExportFinding& found : result.findings)
        if (found.kind == ExportFinding::Kind::dropped) dropped.insert(found.path);
    for (const char* key : {"no good", "a/b/c", "-x", ".com/x", "a..b/x"}) {
        CHECK(text.find(std::string(key) + ":") == std::string::npos);
        CHECK(dropped.count(std::string("services.web.labels.") + key) == 1);
    }
    std::size_t mounts = 0;
    for (std::size_t at = 0; (at = text.find("mountPath: /etc/app.conf", at)) != std::string::npos; ++at) ++mounts;
    CHECK(mounts == 1);
    CHECK(dropped.count("services.web") == 1);
}
