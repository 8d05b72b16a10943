// Projects from several texts, and from builders: the same project as a file that says it.
#include "davit/compose_texts.hpp"
#include "davit/in_code.hpp"
#include "davit/project_builder.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;
using namespace std::chrono_literals;

namespace {

LoadOptions at(const std::string& directory) {
    LoadOptions o;
    o.current_dir = directory;
    o.project_name = "p";
    return o;
}

Project from_file(const std::string& text) { return load_string(text, at("/case")).project; }

} // namespace

TEST_CASE("a loaded project is changed in code by the names of its services") {
    Project p = load_string("services: {web: {image: x}, idle: {image: x, profiles: [never]}}", at("/case"));
    p.service("web").environment["A"] = "1";
    CHECK(p.services.at("web").environment.at("A") == "1");
    CHECK(&p.service("idle") == &p.disabled_services.at("idle"));
    CHECK_THROWS_WITH_AS(p.service("db"), "no such service: db", Error);
}

TEST_CASE("texts are merged in their order, and include and extends find each other") {
    const std::vector<ComposeText> texts = {
        {"compose.yaml",
         "include: [more/db.yaml]\nservices: {web: {extends: {file: base.yaml, service: web}, image: x}}"},
        {"base.yaml", "services: {web: {labels: {from: base}, image: never}}"},
        {"more/db.yaml", "services: {db: {image: y, volumes: ['./rows:/r']}}"},
        {"over.yaml", "services: {web: {image: 'x:2', environment: {A: '1'}}}"}};
    LoadOptions o = at("/case");
    o.files = {"compose.yaml", "over.yaml"};
    const Project p = load_strings(texts, o).project;
    CHECK(p.services.at("web").image == "x:2");
    CHECK(p.services.at("web").labels.at("from") == "base");
    CHECK(p.services.at("web").environment.at("A") == "1");
    CHECK(p.services.at("db").volumes.at(0).source == "/case/more/rows");
    CHECK(p.compose_files == std::vector<std::string>{"-", "-"});
    const Project both =
        load_strings({{"a.yaml", "services: {web: {image: x, scale: 1}}"}, {"b.yaml", "services: {web: {scale: 2}}"}},
                     at("/case"))
            .project;
    CHECK(replicas(both.services.at("web")) == 2);
}

TEST_CASE("a text overrides a file of the disk, and is told of by its name") {
    test::TempDir directory;
    std::ofstream(directory / "compose.yaml") << "services: {web: {image: x}}";
    LoadOptions o = at(directory.path());
    o.files = {"compose.yaml", "over.yaml"};
    CHECK(load_strings({{"over.yaml", "services: {web: {image: y}}"}}, o).project.services.at("web").image == "y");
    try {
        load_strings({{"over.yaml", "services:\n  web: {imgae: y}"}}, o);
        FAIL("loaded");
    } catch (const LoadError& e) {
        CHECK(e.describe_all().find(directory.path() + "/over.yaml:2:9: services.web.imgae") == 0);
    }
    for (const std::vector<ComposeText>& wrong :
         {std::vector<ComposeText>{{"-", ""}}, {{"", ""}}, {{"a", ""}, {"a", ""}}})
        try {
            load_strings(wrong, at("/case"));
            FAIL("loaded");
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::usage);
        }
}

TEST_CASE("a builder makes what a file makes") {
    ProjectBuilder b("p");
    b.directory("/case");
    b.service("db")
        .image("postgres")
        .environment("POSTGRES_PASSWORD", "a$b")
        .volume("data:/rows")
        .volume("/anonymous")
        .volume("./conf:/conf:ro")
        .healthcheck({"CMD", "pg_isready"}, 2s, 1s, 5)
        .network("back", {"rows"});
    b.service("web")
        .image("nginx")
        .command({"nginx", "-g", "daemon off;"})
        .port("127.0.0.1:8080:80")
        .port("443")
        .network("back")
        .depends_on("db", DependencyCondition::healthy)
        .config("site", "listen 80;\n", "/etc/site")
        .restart("on-failure:2")
        .stop_signal("SIGQUIT")
        .stop_grace_period(3s)
        .init()
        .replicas(2)
        .memory(64 << 20)
        .cpus(0.5)
        .label("tier", "front")
        .tmpfs("/tmp")
        .user("1000")
        .working_dir("/srv")
        .with([](Service& s) { s.ports[0].name = "http"; });
    Project built = b.build();
    const Project loaded = from_file(R"(
services:
  db:
    image: postgres
    environment: {POSTGRES_PASSWORD: a$$b}
    volumes: ['data:/rows', /anonymous, './conf:/conf:ro']
    healthcheck: {test: [CMD, pg_isready], interval: 2s, start_period: 1s, retries: 5}
    networks: {back: {aliases: [rows]}}
  web:
    image: nginx
    command: [nginx, -g, 'daemon off;']
    ports: [{host_ip: 127.0.0.1, published: '8080', target: 80, protocol: tcp, name: http, mode: ingress}, '443']
    networks: {back: {}}
    depends_on: {db: {condition: service_healthy}}
    configs: [{source: site, target: /etc/site}]
    restart: on-failure:2
    stop_signal: SIGQUIT
    stop_grace_period: 3s
    init: true
    scale: 2
    mem_limit: 64m
    cpus: 0.5
    labels: {tier: front}
    tmpfs: [/tmp]
    user: '1000'
    working_dir: /srv
networks: {back: {}}
volumes: {data: {}}
configs: {site: {content: "listen 80;\n"}}
)");
    CHECK(render(built, RenderFormat::yaml) == render(loaded, RenderFormat::yaml));
    CHECK(built.services == loaded.services);
    // What was built is complete: a text of it is the same project.
    CHECK(from_file(render(built, RenderFormat::yaml)).services == built.services);
}

TEST_CASE("a secret of a builder is in the container's file and not in the rendered text") {
    ProjectBuilder b("p");
    b.service("db").image("x").secret("password", "hidden");
    const Project p = b.build();
    CHECK(p.secrets.at("password").content == "hidden");
    CHECK(p.services.at("db").secrets.at(0).source == "password");
    CHECK(render(p, RenderFormat::yaml).find("hidden") == std::string::npos);
}

TEST_CASE("what is wrong with a built project is said as of a file") {
    ProjectBuilder b("p");
    b.service("web").port("80");
    b.service("worker").image("x").depends_on("nobody").replicas(-1);
    try {
        b.build();
        FAIL("built");
    } catch (const LoadError& e) {
        const std::string all = e.describe_all();
        INFO(all);
        CHECK(all.find("services.web: has neither an image nor a build") != std::string::npos);
        CHECK(all.find("services.worker.scale: must be 0 or more") != std::string::npos);
        CHECK(all.find("'nobody'") != std::string::npos);
    }
    CHECK_THROWS_AS(b.service("web").port("eighty"), Error);
    CHECK_THROWS_AS(b.service("web").volume(""), Error);
}

TEST_CASE("a builder goes on with a project that was loaded") {
    ProjectBuilder b(from_file("services: {web: {image: x, ports: ['80']}}"));
    b.service("web").environment("A", "1");
    b.service("db").image("y");
    const Project p = b.build();
    CHECK(p.services.at("web").image == "x");
    CHECK(p.services.at("web").environment.at("A") == "1");
    CHECK(p.services.at("db").networks.count("default") == 1);
}
