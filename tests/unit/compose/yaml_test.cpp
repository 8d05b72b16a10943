// Corners of YAML where readers differ: merge keys, block scalars.
#include "tests/unit/compose/table.hpp"

using namespace davit;
using namespace davit::test;
using nlohmann::json;

namespace {

json extension(const std::string& text) { return load_json(options_for("services: {a: {image: x}}\n" + text))["x-t"]; }

} // namespace

TEST_CASE("a merge key may have its tag written out") {
    for (const char* key : {"<<", "!!merge <<", "!<tag:yaml.org,2002:merge> <<", "!!merge '<<'", "!!merge any"}) {
        CAPTURE(key);
        CHECK(extension(std::string("x-c: &c {a: 1, b: 2}\nx-t:\n  ") + key + ": *c\n  b: 3\n") ==
              json{{"a", 1}, {"b", 3}});
        CHECK(extension(std::string("x-c: [&c {a: 1}, &d {a: 2, b: 2}]\nx-t: {") + key + ": [*c, *d]}\n") ==
              json{{"a", 1}, {"b", 2}});
    }
    CHECK(extension("x-c: &c {a: 1}\nx-t: {'<<': *c}\n") == json{{"<<", {{"a", 1}}}});
    CHECK(extension("x-t: !!merge <<\n") == "<<");
    CHECK(extension("x-t: !!merge word\n") == "word");
    CHECK(load_json(options_for("services: {a: {image: x}}\nx-t: {!!merge a: 1}\n")).contains("error"));
}

TEST_CASE("block scalars are those of libyaml: blank lines at the end, indentation, comments") {
    const struct {
        const char* yaml;
        const char* value;
    } rows[] = {
        {">+\n    one\n\n    two\n\n\n", "one\ntwo\n\n\n"},
        {">+\n    one\n", "one\n"},
        {">+\n    one\n\n", "one\n\n"},
        {">\n    one\n\n\n", "one\n"},
        {">-\n    one\n\n\n", "one"},
        {"|+\n    one\n\n\n", "one\n\n\n"},
        {"|-\n    one\n\n\n", "one"},
        {"|\n    one\n\n\n", "one\n"},
        {">+\n\n\n", "\n\n"},
        {">+\n\n    one\n     more\n\n", "\none\n more\n\n"},
        {">+2\n      one\n    two\n\n", "  one\ntwo\n\n"},
        {">2+ # word\n    one\n\n", "one\n\n"},
        {"&a >+\n    one\n\n", "one\n\n"},
        {"!!str >+\n    one\n\n", "one\n\n"},
        {"!!str\n    >+\n    one\n\n", "one\n\n"},
        {">+\n    one\n\n# word\n\n", "one\n\n"},
        {">+\r\n    one\r\n\r\n    two\r\n\r\n", "one\ntwo\n\n"},
        {">+\n    one\n      ", "one\n  "},
        {">+\n    one\n   ", "one\n"},
        {"|+\n    one", "one"},
        {"'one\n\n    two'\n", "one\ntwo"},
        {"one\n\n    two\n", "one\ntwo"},
    };
    for (const auto& [yaml, value] : rows) {
        CAPTURE(yaml);
        CHECK(extension(std::string("x-t:\n  k: ") + yaml)["k"] == value);
        LoadOptions o = options_for("services: {a: {image: x}}\nx-t:\n  k: " + std::string(yaml));
        CHECK(load_json(options_for(render(load(o).project, RenderFormat::yaml)))["x-t"]["k"] ==
              value); // and printed so
    }
    CHECK(extension("x-t:\n- >+\n  one\n\n- - |2+\n      two\n\n").dump() == R"(["one\n\n",["  two\n\n"]])");
    CHECK(extension("x-t: &m\n  ? k\n  : >+\n    one\n\n").dump() == R"({"k":"one\n\n"})");
    const json tab = load_json(options_for("services: {a: {image: x}}\nx-t:\n  k: |\n    \tone\n"));
    CHECK(tab.value("error", "").find("a tab stands where spaces must indent the text") != std::string::npos);
}
