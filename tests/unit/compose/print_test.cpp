// What the printed project looks like where texts are odd, and that it reads back the same.
#include "base/printable.hpp"
#include "compose/short_forms.hpp"
#include "tests/unit/compose/table.hpp"

#include <chrono>

using namespace davit;
using namespace davit::test;

namespace {

Project with_variable(const std::string& value) {
    LoadOptions o = options_for("services: {web: {image: x, environment: {A: $ODD}}}");
    o.environment["ODD"] = value;
    return load(o).project;
}

} // namespace

TEST_CASE("a value that is no UTF-8 is printed in base64, and reads back as the same bytes") {
    for (const std::string& value : {std::string("\xff\xfe"), std::string("a\xc3"), std::string("line\n\xe9\n"),
                                     std::string("$\x80 $$"), std::string("caf\xe9")}) {
        CAPTURE(value);
        const Project first = with_variable(value);
        const std::string text = render(first, RenderFormat::yaml);
        CHECK(text.find("A: !!binary ") != std::string::npos);
        const Project second = load(options_for(text)).project;
        CHECK(second.services.at("web").environment == first.services.at("web").environment);
        CHECK(render(second, RenderFormat::yaml) == text);
    }
    CHECK(render(with_variable("caf\xc3\xa9"), RenderFormat::yaml).find("A: caf\xc3\xa9") != std::string::npos);
}

TEST_CASE("JSON has the replacement character for what is no UTF-8") {
    const std::string text = render(with_variable("a\xff"
                                                  "b$\x80"),
                                    RenderFormat::json);
    CHECK(text.find(R"("A": "a\ufffdb$$\ufffd")") != std::string::npos);
    CHECK(nlohmann::json::accept(text));
}

TEST_CASE("what steers a terminal is escaped, in one line and in several") {
    for (const char* value : {"a\xc2\x9b"
                              "31m$\xe2\x80\xae",
                              "one\ntwo \xc2\x9b\n", "'\xe2\x81\xa6"}) {
        CAPTURE(value);
        const Project first = with_variable(value);
        for (RenderFormat format : {RenderFormat::yaml, RenderFormat::json}) {
            const std::string text = render(first, format);
            CHECK(printable(text, "\n") == text);
            CHECK(load(options_for(text)).project.services.at("web").environment ==
                  first.services.at("web").environment);
        }
    }
}

TEST_CASE("the whole range of ports is expanded in the order of its digits") {
    const compose::ShortPorts all = compose::parse_ports("0-65535");
    REQUIRE(all.ports.size() == 65536);
    for (std::size_t i = 1; i < all.ports.size(); ++i) {
        const std::string before = std::to_string(all.ports[i - 1].target), after = std::to_string(all.ports[i].target);
        REQUIRE_MESSAGE(before < after, before, " stands before ", after);
    }
}

TEST_CASE("the longest list of ports is read back in no time") {
    LoadOptions o = options_for("services: {web: {image: x, ports: [\"1-60000\"]}}");
    const std::string text = render(load(o).project, RenderFormat::yaml);
    const auto start = std::chrono::steady_clock::now();
    CHECK(load(options_for(text)).project.services.at("web").ports.size() == 60000);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20)); // compared each with each: minutes
}

TEST_CASE("JSON has the sections by name and what is in them as it is written") {
    const std::string printed = render(with_variable("x"), RenderFormat::json);
    CHECK(printed.find("\"name\"") < printed.find("\"networks\""));
    CHECK(printed.find("\"networks\"") < printed.find("\"services\""));
    CHECK(printed.find("\"default\"") != std::string::npos);
}
