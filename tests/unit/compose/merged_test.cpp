#include "davit/merged.hpp"

#include "davit/short_forms.hpp"

#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;

namespace {

// -f - : no file on the disk.
MergedFiles merged(const std::string& text) {
    LoadOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = "/";
    options.project_name = "p";
    options.interpolate = options.normalize = options.validate = false;
    return MergedFiles(options);
}

} // namespace

TEST_CASE("merged files without values: their services, images and variables") {
    MergedFiles files = merged(
        "name: ${NAME}\nservices:\n  web:\n    image: web:$TAG\n    environment: ['A=${A:-one}', 'B=${B:?why}']\n"
        "  db:\n    image: db\n    ports: ['${PORT:+80}']\n  built:\n    build: .\n");
    CHECK(files.check().empty());
    CHECK(files.services() == std::vector<std::string>{"web", "db", "built"});
    const auto images = files.images();
    REQUIRE(images.size() == 2);
    CHECK(images[0].image == "web:$TAG");
    CHECK(images[0].at.line == 4);
    const auto variables = files.variables();
    REQUIRE(variables.size() == 4); // the name is settled before
    CHECK(variables.at("A").default_value == "one");
    CHECK(variables.at("B").required);
    CHECK(variables.at("PORT").alternate_value == "80");
    CHECK(render_variables(variables, RenderFormat::json).find("\"TAG\"") != std::string::npos);
    CHECK(
        render_variables(variables, RenderFormat::yaml)
            .starts_with("A:\n    name: A\n    defaultvalue: one\n    presencevalue: \"\"\n    required: false\nB:\n"));

    files.rename_images({{"db", "db@sha256:0"}, {"other", "x"}});
    files.keep_images();
    const std::string text = files.render(RenderFormat::yaml);
    CHECK(text.find("image: web:$TAG") != std::string::npos);
    CHECK(text.find("image: db@sha256:0") != std::string::npos);
    CHECK(text.find("ports") == std::string::npos);
    CHECK(text.find("environment") == std::string::npos);
}

TEST_CASE("merged files are shown by their keys, as a project is") {
    const std::string text = merged("services:\n  web:\n    image: x\n    x-z: {b: 1, a: 2}\n  api: {image: y}\n"
                                    "name: n\n")
                                 .render(RenderFormat::yaml);
    CHECK(text.find("api:") < text.find("web:"));
    CHECK(text.find("a: 2") < text.find("b: 1"));
    CHECK(text.starts_with("name:"));
}

TEST_CASE("short forms of ports and volumes") {
    const auto ports = parse_short_ports("127.0.0.1:8080-8081:80-81/udp");
    REQUIRE(ports.size() == 2);
    CHECK(ports[1].target == 81);
    CHECK(ports[1].published == "8081");
    CHECK(ports[1].host_ip == "127.0.0.1");
    CHECK(ports[1].protocol == "udp");
    CHECK(parse_short_ports("80").front().protocol == "tcp");
    CHECK_THROWS_AS(parse_short_ports("80:x"), Error);

    const Mount bind = parse_short_volume("./a:/b:ro,rslave");
    CHECK(bind.type == MountType::bind);
    CHECK(bind.source == "./a");
    CHECK(bind.target == "/b");
    CHECK(bind.read_only);
    CHECK(bind.bind->propagation == "rslave");
    const Mount volume = parse_short_volume("data:/b:nocopy");
    CHECK(volume.type == MountType::volume);
    CHECK(volume.volume->nocopy);
}

TEST_CASE("a file of variables: its values, what is outside, and where it is wrong") {
    const test::TempDir dir;
    const std::string file = dir.path() + "/env";
    std::ofstream(file) << "A=1\nB=${A}${HOST}\nNAME\n";
    const auto outside = [](const std::string& name) {
        return name == "HOST" || name == "NAME" ? std::optional<std::string>("h") : std::nullopt;
    };
    using Values = std::vector<std::pair<std::string, std::string>>;
    CHECK(read_env_file(file, outside) == Values{{"A", "1"}, {"B", "1h"}, {"NAME", "h"}});
    std::ofstream(file) << "A=1\nB='open\n";
    try {
        read_env_file(file, {});
        FAIL("read what is wrong");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::invalid_project);
        CHECK(e.at().file == file);
        CHECK(e.at().line > 0);
    }
    CHECK_THROWS_AS(read_env_file(dir.path() + "/none", {}), Error);
}
