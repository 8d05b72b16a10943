// What Swarm's managers and engines refuse, and names of secrets.
#include "tests/unit/export/exports.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;
using Kind = ExportFinding::Kind;

namespace {

ExportResult swarm(const std::string& text) {
    return export_project(load_text(text), options_for(ExportTarget::swarm));
}

} // namespace

TEST_CASE("swarm: names that its managers refuse are told") {
    const std::string longest(61, 'a'); // p_ before it
    const ExportResult result =
        swarm("name: p\nservices:\n  my.web: {image: i}\n  fine_1: {image: i}\n  end-: {image: i}\n  " + longest +
              ": {image: i}\n  " + longest + "b: {image: i, networks: [n.1, fine]}\nnetworks: {n.1: {}, fine: {}}\n");
    for (const std::string& name : {std::string("services.my.web"), std::string("services.end-"),
                                    "services." + longest + "b", std::string("networks.n.1.name")}) {
        CAPTURE(name);
        REQUIRE(finding_at(result, name));
        CHECK(finding_at(result, name)->kind == Kind::needs_input);
        CHECK(finding_at(result, name)->hint.find("another name") != std::string::npos);
    }
    for (const std::string& name :
         {std::string("services.fine_1"), "services." + longest, std::string("networks.fine.name")}) {
        CAPTURE(name);
        CHECK((!finding_at(result, name) || finding_at(result, name)->kind != Kind::needs_input));
    }
}

TEST_CASE("swarm: a long name of a config is cut to what Swarm takes, and stays its own") {
    const std::string a(70, 'a');
    const std::string text = all_text(swarm("name: p\nservices:\n  web: {image: i, configs: [" + a + "1, " + a +
                                            "2]}\nconfigs: {" + a + "1: {content: x}, " + a + "2: {content: x}}\n"));
    std::vector<std::string> names;
    for (std::size_t at = 0; (at = text.find("name: p_", at)) != std::string::npos; at += 6)
        names.push_back(text.substr(at + 6, text.find('\n', at) - at - 6));
    REQUIRE(names.size() == 2);
    CHECK(names[0] != names[1]);
    for (const std::string& name : names) CHECK(name.size() == 64);
}

TEST_CASE("swarm: on the node's network, and on none, there are no ports to balance") {
    const ExportResult result = swarm("name: p\nservices:\n  web: {image: i, network_mode: host, ports: [\"80:80\"]}\n"
                                      "  shut: {image: i, network_mode: none, ports: [\"81:81\"]}\n"
                                      "  open: {image: i, ports: [\"82:82\"]}\n");
    const std::string text = all_text(result);
    CHECK(text.find("published: 80\n") == std::string::npos);
    CHECK(text.find("published: 81\n") == std::string::npos);
    CHECK(text.find("published: 82\n") != std::string::npos);
    for (const char* path : {"services.web.ports[0]", "services.shut.ports[0]"}) {
        REQUIRE(finding_at(result, path));
        CHECK(finding_at(result, path)->to == "left out");
    }
}

TEST_CASE("swarm: a port is published once, whatever addresses the file has, and balanced without dnsrr") {
    const ExportResult result = swarm(
        "name: p\nservices:\n  a: {image: i, ports: [\"10.0.0.1:80:80\", \"10.0.0.2:80:80\", \"80:80/udp\"]}\n"
        "  b: {image: i, ports: [\"10.0.0.3:80:8080\"]}\n"
        "  c: {image: i, ports: [\"81:81\"], deploy: {endpoint_mode: dnsrr}}\n"
        "  d: {image: i, ports: [{target: 82, published: \"82\", mode: host}], deploy: {endpoint_mode: dnsrr}}\n");
    const std::string text = all_text(result);
    std::size_t times = 0;
    for (std::size_t at = 0; (at = text.find("target: 80\n", at)) != std::string::npos; ++at) ++times;
    CHECK(times == 2); // tcp and udp
    const auto kind = [&](const char* path) {
        REQUIRE_MESSAGE(finding_at(result, path), path);
        return finding_at(result, path)->kind;
    };
    CHECK(kind("services.a.ports[1]") == Kind::adjusted);
    CHECK(kind("services.b.ports[0].published") == Kind::needs_input);
    CHECK(kind("services.c.deploy.endpoint_mode") == Kind::needs_input);
    CHECK(kind("services.d.deploy.endpoint_mode") == Kind::exact);
}

TEST_CASE("swarm: the name of a secret is nothing by which its value could be guessed") {
    const Project project =
        load_text("name: p\nservices: {web: {image: i, secrets: [pin]}}\nsecrets: {pin: {environment: WORD}}\n");
    ExportOptions options = options_for(ExportTarget::swarm);
    const std::string one = all_text(export_project(project, options));
    CHECK(one == all_text(export_project(project, options)));
    options.version_key = [] { return std::string("another machine's"); };
    CHECK(all_text(export_project(project, options)) != one);
    options.version_key = {};
    const ExportResult without = export_project(project, options);
    CHECK(all_text(without).find("name: p_pin-1\n") != std::string::npos);
    REQUIRE(finding_at(without, "secrets.pin"));
    CHECK(finding_at(without, "secrets.pin")->kind == Kind::needs_input);
}

TEST_CASE("swarm: what is external keeps its name, and the report says so") {
    const ExportResult result = swarm("name: p\nservices: {web: {image: i, secrets: [s], configs: [c]}}\n"
                                      "secrets: {s: {external: true, name: theirs}}\nconfigs: {c: {external: true}}\n");
    for (const char* path : {"secrets.s.name", "configs.c.name"}) {
        CAPTURE(std::string(path));
        REQUIRE(finding_at(result, path));
        CHECK(finding_at(result, path)->kind == Kind::exact);
    }
    const ExportResult key = swarm("name: p\nservices: {web: {image: i, configs: [c]}}\n"
                                   "configs: {c: {content: \"-----BEGIN PRIVATE KEY-----\\nabc\\n\"}}\n");
    REQUIRE(finding_at(key, "configs.c"));
    CHECK(finding_at(key, "configs.c")->kind == Kind::needs_input);
}

TEST_CASE("a tmpfs whose size is a part of the memory is told") {
    const Project project = load_text("name: p\nservices: {a: {image: i, tmpfs: ['/x:size=10%', '/y:size=1m']}}\n");
    for (const ExportTarget target : {ExportTarget::swarm, ExportTarget::kubernetes}) {
        const ExportResult result = export_project(project, options_for(target));
        const ExportFinding* found = finding_at(result, "services.a.tmpfs");
        REQUIRE(found);
        CHECK(found->kind == ExportFinding::Kind::dropped);
        CHECK(all_text(result).find(target == ExportTarget::swarm ? "size: 1048576" : "sizeLimit: 1048576") !=
              std::string::npos);
        CHECK(all_text(result).find("size: 0") == std::string::npos);
    }
}
