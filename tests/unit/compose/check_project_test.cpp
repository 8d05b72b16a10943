// Projects that were built in code: completed and checked as if they had come from a file.
#include "davit/in_code.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;

namespace {

Project web() {
    Project p;
    p.name = "p";
    p.working_dir = "/case";
    Service& s = p.services["web"];
    s.image = "x";
    Port port;
    port.target = 80;
    port.published = "8080";
    s.ports.push_back(port);
    return p;
}

std::string what(const Project& p) {
    std::string out;
    for (const Diagnostic& d : validate(p)) out += to_string(d) + "\n";
    return out;
}

} // namespace

TEST_CASE("normalize() fills in what a file would have") {
    Project p = web();
    Service& s = p.services["web"];
    s.links = {"db:d"};
    s.environment["PASSED"] = std::nullopt;
    p.environment["PASSED"] = "on";
    p.services["db"].image = "y";
    Mount m;
    m.type = MountType::bind;
    m.source = "./data";
    m.target = "/d/";
    s.volumes.push_back(m);
    p.volumes["rows"];
    CHECK(normalize(p).empty());
    CHECK(p.services.at("web").name == "web");
    CHECK(p.services.at("web").networks.count("default") == 1);
    CHECK(p.networks.at("default").name == "p_default");
    CHECK(p.services.at("web").ports.at(0).protocol == "tcp");
    CHECK(p.services.at("web").ports.at(0).published == "8080");
    CHECK(p.services.at("web").depends_on.at("db").restart);
    CHECK(p.services.at("web").environment.at("PASSED") == "on");
    CHECK(p.services.at("web").volumes.at(0).source == "/case/data");
    CHECK(p.services.at("web").volumes.at(0).target == "/d");
    CHECK(p.volumes.at("rows").name == "p_rows"); // also what nobody uses
    const Project once = p;
    normalize(p);
    CHECK(p == once);
}

TEST_CASE("what load() made is complete") {
    LoadOptions o;
    o.current_dir = "/case";
    o.project_name = "p";
    o.profiles = {"a"};
    const std::string text = "services: {web: {image: x, ports: ['80:80'], profiles: [a], ulimits: {core: 0}, command: "
                             "'a $$b'}, off: {image: y, profiles: [b]}}\nx-a: {b: 1}\n";
    const Project loaded = load_string(text, o).project;
    Project again = loaded;
    CHECK(normalize(again).empty());
    CHECK(again == loaded);
    CHECK(validate(loaded).empty());
}

TEST_CASE("validate() says what load() says") {
    Project p = web();
    Service& s = p.services["web"];
    s.networks["front"];
    s.pid = "service:nobody";
    s.secrets.push_back({});
    s.secrets.back().source = "none";
    s.scale = -1;
    const Project before = p;
    const std::string found = what(p);
    CHECK(found.find("error: services.web.networks.front: the network 'front' is not declared\n  hint: declare it "
                     "below networks:") != std::string::npos);
    CHECK(found.find("services.web.pid: needs the service 'nobody', which does not exist") != std::string::npos);
    CHECK(found.find("services.web.secrets[0]: the secret 'none' is not declared") != std::string::npos);
    CHECK(found.find("services.web.scale: must be 0 or more") != std::string::npos);
    CHECK(p == before);
    CHECK_THROWS_AS(normalize(p), LoadError);
    CHECK(p == before);
    Project none = web();
    none.services["web"].image.clear();
    CHECK(what(none).find("services.web: has neither an image nor a build") != std::string::npos);
    Project named = web();
    named.name = "Not A Name";
    CHECK(what(named).find("cannot be a project name") != std::string::npos);
    CHECK(what(web()).empty());
}

TEST_CASE("what is disabled stays so, and is not checked") {
    Project p = web();
    Service& off = p.disabled_services["off"];
    off.image = "y";
    off.profiles = {"debug"};
    off.networks["nowhere"];
    Project needs = p;
    needs.services["web"].depends_on["off"];
    CHECK(what(needs).find("needs the service 'off', which is disabled") != std::string::npos);
    normalize(p);
    CHECK(p.services.size() == 1);
    CHECK(p.disabled_services.at("off").profiles == std::vector<std::string>{"debug"});
}

TEST_CASE("a changed project is told of at the place where its file has it") {
    test::TempDir directory;
    std::ofstream(directory / "compose.yaml") << "name: p\nservices:\n  web:\n    image: x\n    scale: 1\n";
    LoadOptions o;
    o.current_dir = directory.path();
    o.files = {"compose.yaml"};
    Project p = load(o).project;
    p.services.at("web").scale = -1;
    const auto found = validate(p);
    REQUIRE(found.size() == 1);
    CHECK(found[0].at.line == 5);
}

TEST_CASE("env_file and label_file are read by normalize()") {
    test::TempDir directory;
    std::ofstream(directory / "v.env") << "A=1\nB=2\n";
    Project p = web();
    p.working_dir = directory.path();
    p.services["web"].env_file.push_back({"v.env"});
    p.services["web"].environment["B"] = "mine";
    std::ofstream(directory / "v.labels") << "A=1\nC=${A}${B}\n";
    p.environment["B"] = "of the caller";
    p.services["web"].label_file = {"v.labels"};
    normalize(p);
    CHECK(p.services.at("web").environment.at("A") == "1");
    CHECK(p.services.at("web").environment.at("B") == "mine");
    CHECK(p.services.at("web").labels.at("A") == "1");
    CHECK(p.services.at("web").labels.at("C") == "1"); // of the file's own variables alone
    Project missing = web();
    missing.services["web"].env_file.push_back({"none.env"});
    CHECK(what(missing).find("services.web.env_file[0]: env file /case/none.env not found") != std::string::npos);
}

TEST_CASE("load_string() gives places, and takes the options of load()") {
    LoadOptions o;
    o.current_dir = "/case";
    o.environment = {{"TAG", "2"}};
    CHECK(load_string("name: n\nservices: {web: {image: 'x:$TAG'}}", o).project.services.at("web").image == "x:2");
    try {
        load_string("name: n\nservices: {web: {imgae: x}}", o);
        FAIL("loaded");
    } catch (const LoadError& e) {
        CHECK(e.describe_all().find("(text):2:18: services.web.imgae") == 0);
        CHECK(e.kind() == Errc::invalid_project);
    }
}

TEST_CASE("a file that is not there is no mistake of the project: kind and errno say so") {
    LoadOptions o;
    o.current_dir = "/case";
    o.files = {"nosuch.yaml"};
    try {
        load(o);
        FAIL("loaded");
    } catch (const LoadError&) {
        FAIL("a mistake of the project");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::not_found);
        CHECK(e.os() == std::errc::no_such_file_or_directory);
        CHECK(e.describe().find("cannot read the compose file /case/nosuch.yaml: No such file") == 0);
    }
}

TEST_CASE("services that are named are enabled with all that is theirs") {
    LoadOptions o;
    o.current_dir = "/case";
    const std::string text =
        "name: p\nservices: {web: {image: x}, job: {image: x, profiles: [t], secrets: [s], volumes: ['vol:/v'], "
        "networks: [n], env_file: none.env, depends_on: [dep]},\n"
        "  dep: {image: x, profiles: [t], configs: [c]}, off: {image: x, profiles: [u], networks: [nowhere]}}\n"
        "secrets: {s: {file: ./s}}\nconfigs: {c: {file: ./c}}\nvolumes: {vol: {}}\nnetworks: {n: {}}\n";
    CHECK(load_string(text, o).project.secrets.empty());
    o.named = {"job"};
    CHECK_THROWS_AS(load_string(text, o), LoadError); // its file is missing
    o.named = {"dep"};
    CHECK_NOTHROW(load_string(text, o)); // job comes with its profile; nobody asks for it
    o.resolve_environment = false;
    const Project p = load_string(text, o).project;
    CHECK(p.services.size() == 3);
    CHECK(p.secrets.size() + p.configs.size() + p.volumes.size() == 3);
    CHECK(p.networks.size() == 2);
    o.named = {"off"};
    try {
        load_string(text, o);
        FAIL("a service that was named is not checked");
    } catch (const LoadError& e) {
        CHECK(std::string(e.what()) == "services.off.networks.nowhere: the network 'nowhere' is not declared");
    }
}
