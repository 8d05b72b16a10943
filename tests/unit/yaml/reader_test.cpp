// Corners of YAML where readers differ: merge keys, block scalars; where things stand, and what is refused.
#include "tests/unit/yaml/read.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;
using nlohmann::json;

namespace {

json extension(const std::string& text) { return json_of("a: {image: x}\n" + text)["x-t"]; }

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
    CHECK(json_of("x-t: {!!merge a: 1}\n").contains("error"));
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
        const std::string printed = ReadYaml(std::string("x-t:\n  k: ") + yaml).yaml();
        CHECK(extension(printed)["k"] == value);
    }
    CHECK(extension("x-t:\n- >+\n  one\n\n- - |2+\n      two\n\n").dump() == R"(["one\n\n",["  two\n\n"]])");
    CHECK(extension("x-t: &m\n  ? k\n  : >+\n    one\n\n").dump() == R"({"k":"one\n\n"})");
    const json tab = json_of("x-t:\n  k: |\n    \tone\n");
    CHECK(tab.value("error", "").find("a tab stands where spaces must indent the text") != std::string::npos);
}

TEST_CASE("a plain scalar is what Go's YAML makes of it") {
    const struct {
        const char* yaml;
        json value;
    } rows[] = {
        {"0x1F", 31},
        {"0o17", 15},
        {"017", 15},
        {"0b101", 5},
        {"1_000", 1000},
        {"-5", -5},
        {"1.5", 1.5},
        {"1e3", 1000},
        {"true", true},
        {"TRUE", true},
        {"yes", "yes"},
        {"off", "off"},
        {"~", nullptr},
        {"null", nullptr},
        {"", nullptr},
        {"'1'", "1"},
        {"!!str 1", "1"},
        {"12:30:45", "12:30:45"},
        {"08", 8},
        {"1.2.3", "1.2.3"},
        {"!!binary aGk=", "hi"},
        {"9223372036854775808", 9223372036854775808u},
        {"1e-400", 0},
        {"1e400", "1e400"},
        {"2024-01-31", "2024-01-31T00:00:00Z"},
        {"2024-1-3 10:20:30.50", "2024-01-03T10:20:30.5Z"},
        {"2024-01-31t10:20:30+02:00", "2024-01-31T10:20:30+02:00"},
    };
    for (const auto& [yaml, value] : rows) {
        CAPTURE(yaml);
        CHECK(extension(std::string("x-t: ") + yaml + "\n") == value);
    }
}

TEST_CASE("every node knows where it was written") {
    const ReadYaml read("a: 1\nb:\n  - x\n  - {c: y}\n---\nd: z\n");
    REQUIRE(read.documents.size() == 2);
    const auto place = [](const yaml::Pos& at) { return std::pair<unsigned, unsigned>(at.line, at.column); };
    CHECK(place(yaml::locate(*read.documents[0], "b[1].c")) == std::pair<unsigned, unsigned>(4, 6));
    CHECK(place(read.documents[0]->find_entry("b")->key_pos) == std::pair<unsigned, unsigned>(2, 1));
    CHECK(place(read.documents[1]->find("d")->pos) == std::pair<unsigned, unsigned>(6, 4));
    CHECK(read.tree.where(read.documents[1]->find("d")->pos).file == "t.yaml");
}

TEST_CASE("a key without a value may be quoted, explicit or tagged") {
    for (const char* yaml : {"e:\n  \"A #B\":\n", "'a #b': ~\n", "\"a\\\" #\" :\n", "'it''s #1':\n", "? !!str K\n",
                             "? &a K\n", "? K\n", "a: # b\n", "&a K:\n"}) {
        CAPTURE(yaml);
        CHECK(ReadYaml(yaml).said.errors.empty());
    }
}

TEST_CASE("what cannot be read is told at its place, and ends the documents") {
    const struct {
        const char* yaml;
        const char* message;
        unsigned line, column;
    } rows[] = {
        {"a: 1\na: 2\n", "a", 2, 1},
        {"a: b: c\n", "a ': ' stands where no key can be", 1, 5},
        {"a: \"x\n", "quote", 1, 4},
        {"a: *b\n", "no anchor", 1, 4},
        {"a: x\x01\n", "control character", 1, 5},
        {"a: \xff\n", "not UTF-8", 1, 4},
        {"%YAML 1.2\n---\na: 1\n", "YAML 1.1", 1, 1},
        {"a: &a {b: *a}\n", "inside of what it names", 1, 11},
        {"a: 1\n...\nb: 2\n", "without its ---", 3, 1},
        {"a: 1\nb\n", "no key with a value", 2, 1},
        {"a: 1\nb:2\n", "no key with a value", 2, 1},
        {"\t\na: 1\n", "a tab stands", 1, 1},
        {"a:\n  \t\n  b: 1\n", "a tab stands", 2, 3},
        {"a: 'x'\n\t\nb: 1\n", "a tab stands", 2, 1},
        {"a: \"x\ny\"\n\t\n", "a tab stands", 3, 1},
        {"a: &a 1\nb: *a\n\t# c\nc: 1\n", "a tab stands", 3, 1},
        {"a: !foo!bar x\n", "%TAG line tells what the !foo! of", 1, 4},
        {"%TAG !fo! tag:x\n---\n- &a # c\n  !foo!bar\n  b: c\n", "!foo!", 3, 3},
        {"a: {k: !x}\n", "a blank must stand behind a tag", 1, 8},
        {"a: [!reset, b]\n", "a blank must stand", 1, 5},
        {"a: !\xc3\xa9 x\n", "a blank must stand", 1, 4},
        {"a: !<tag:yaml.org,2002:str>1\n", "a blank must stand", 1, 4},
        {"a: &\xc3\xa9 x\n", "the name of an anchor", 1, 4},
        {"a: &b:c x\n", "the name of an anchor", 1, 4},
        {"a: !!str &b.c x\n", "the name of an anchor", 1, 4},
        {"a: &b.c [x]\n", "the name of an anchor", 1, 4},
        {"{9223372036854775808: 1}\n", "a key must be text", 1, 2},
        {"{2024-01-31: 1}\n", "a key must be text", 1, 2},
    };
    for (const auto& [yaml, message, line, column] : rows) {
        CAPTURE(std::string(yaml));
        const ReadYaml read(yaml);
        REQUIRE(read.said.errors.size() == 1);
        const Said::Line& error = read.said.errors.front();
        CAPTURE(error.message);
        CHECK(error.message.find(message) != std::string::npos);
        CHECK(error.at.line == line);
        CHECK(error.at.column == column);
    }
}

TEST_CASE("aliases that multiply, and nesting without end, are refused") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int k = 0; k < 8; ++k) bomb += ", " + last;
        bomb += "]\n";
    }
    CHECK(json_of(bomb)["error"] == "the aliases of this file multiply to too much");
    CHECK(json_of("a: " + std::string(2000, '[')).contains("error"));
}

TEST_CASE("a scalar with a tag of its own is text") {
    const ReadYaml read("a: !override 010\nb: !override\nc: !override null\nd: 010\n");
    REQUIRE(read.good());
    const yaml::Node& root = *read.documents[0];
    CHECK(root.find("a")->str() == "010");
    CHECK(root.find("a")->tag == yaml::Tag::override_value);
    CHECK((root.find("b")->is_string() && root.find("b")->str().empty()));
    CHECK(root.find("c")->str() == "null");
    CHECK(root.find("d")->kind == yaml::Kind::integer);
}

TEST_CASE("a handle that a %TAG line gives, tags of any form before a blank, anchors") {
    for (const char* yaml : {"%TAG !foo! tag:x.org,2000:\n---\na: !foo!bar x\n", "a: !foo x\n", "a: &b !foo\n  c: d\n",
                             "a: !foo:1/x?y%20z x\n", "a: !<tag:x,[y]> x\n", "a: !foo\nb: [!foo , c]\n", "a: !foo",
                             "a: [&b c, &d-_9 {e: f}, &g [h]]\n", "&a b: &c d\n", "a: !foo &b\n  &c d: e\n"}) {
        CAPTURE(yaml);
        CHECK(ReadYaml(yaml).said.errors.empty());
    }
}

TEST_CASE("documents end with ... and begin with ---") {
    CHECK(ReadYaml("a: 1\n...\n---\nb: 2\n...\n").documents.size() == 2);
    CHECK(ReadYaml("# c\n---\na: 1\n... # c\n# c\n--- # c\nb: 2\n").documents.size() == 2);
}

TEST_CASE("what is merged shows behind what !reset takes away") {
    const ReadYaml read("x: &a {i: 1, k: 2}\ny: &b {i: 3}\na:\n  i: !reset\n  <<: [*a, *b]\n");
    REQUIRE(read.good());
    const auto entries = read.documents[0]->find("a")->map();
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].value->tag == yaml::Tag::reset);
    CHECK((entries[1].key == "i" && entries[1].value->integer == 1));
}

TEST_CASE("dates and great numbers are printed as such") {
    CHECK(ReadYaml("a: 2024-01-31\nb: [9223372036854775808, 2024-01-31 10:00:00]\n").yaml() ==
          "a: 2024-01-31T00:00:00Z\nb:\n  - 9223372036854775808\n  - 2024-01-31T10:00:00Z\n");
}

TEST_CASE("a key may have nothing behind its colon, and none at all where it is marked") {
    for (const char* yaml : {"a:\n", "\"a\" :\n", "? a\n", "a: 1\n? b # c\n", "{a, b}\n", "&x a:\n", "a: &k b\n*k :\n",
                             "- a: 1\n  b:\n", "[a: ]"}) {
        CAPTURE(std::string(yaml));
        CHECK(ReadYaml(yaml).good());
    }
}

TEST_CASE("tabs may stand in flow collections, within texts, behind values and below comments") {
    for (const char* yaml : {"a: [b,\n\t\n c]\n", "a: {\n\t\n b: 1}\n", "a: {b: 1,\n\tc: 2}\nd: 1\n",
                             "a: 'x\n\ty'\nb: 1\n", "a: \"x\\\"\n\t\"\n", "a: 'it''s\n\t'\n", "a: |\n  b\n  \tc\n",
                             "a: 1\t\nb: 2\n", "# c\n\t# d\na: 1\n", "a:\n  b: x\n      \t\n"}) {
        CAPTURE(std::string(yaml));
        CHECK(ReadYaml(yaml).good());
    }
    CHECK(json_of("a: !!word 12\nb: !!float 1\n") == json{{"a", "12"}, {"b", 1.0}});
}
