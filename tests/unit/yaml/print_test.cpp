// Texts that are odd, printed; and that they read back the same.
#include "base/printable.hpp"
#include "tests/unit/yaml/read.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;

namespace {

struct Printed {
    explicit Printed(const std::string& value) : root(tree.map()) { tree.set(*root, "k", tree.string(value)); }
    std::string yaml(bool escape = false) const { return yaml::print_yaml(*root, escape); }
    std::string json(bool escape = false) const { return yaml::print_json(*root, escape); }

    yaml::Tree tree;
    yaml::Node* root;
};

} // namespace

TEST_CASE("every text is printed so that it reads back as the same bytes") {
    for (const std::string& value : {std::string(),
                                     std::string("~"),
                                     std::string("yes"),
                                     std::string("0x10"),
                                     std::string("1e3"),
                                     std::string("2020-01-01"),
                                     std::string("- a"),
                                     std::string("a: b"),
                                     std::string("a #b"),
                                     std::string("'"),
                                     std::string("one\ntwo\n"),
                                     std::string("one\n\n"),
                                     std::string("\n one"),
                                     std::string(" x "),
                                     std::string("tab\tx"),
                                     std::string("\x01"),
                                     std::string("\xff\xfe"),
                                     std::string("line\n\xe9\n"),
                                     std::string("a\xc2\x9b"),
                                     std::string("\xe2\x80\xae"),
                                     std::string("$a ${b}"),
                                     std::string("\r\n"),
                                     std::string("a\0b", 3)}) {
        const Printed printed(value);
        const std::string text = printed.yaml();
        CAPTURE(text);
        const ReadYaml back(text);
        REQUIRE(back.good());
        CHECK(back.documents[0]->find("k")->is_string());
        CHECK(back.documents[0]->find("k")->str() == value);
        CHECK(back.yaml() == text);
        CHECK(printable(text, "\n") == text); // nothing in it steers a terminal
        CHECK(nlohmann::json::accept(printed.json()));
        CHECK(printable(printed.json(), "\n") == printed.json());
    }
}

TEST_CASE("what is no UTF-8 is base64 in YAML, and the replacement character in JSON") {
    CHECK(Printed("caf\xe9").yaml().find("k: !!binary Y2Fm6Q==") != std::string::npos);
    CHECK(Printed("caf\xc3\xa9").yaml().find("!!binary") == std::string::npos);
    CHECK(Printed("a\xff"
                  "b$\x80")
              .json(true)
              .find(R"("a\ufffdb$$\ufffd")") != std::string::npos);
}

TEST_CASE("dollars are doubled where the text will be interpolated, and only there") {
    CHECK(Printed("$a").yaml(true).find("$$a") != std::string::npos);
    CHECK(Printed("$a").yaml().find("$$") == std::string::npos);
    CHECK(Printed("$a").json(true).find("\"$$a\"") != std::string::npos);
    CHECK(Printed("$a").json().find("$$") == std::string::npos);
}

TEST_CASE("JSON has the keys of the user's own mappings in the order of their bytes") {
    yaml::Tree tree;
    yaml::Node* own = tree.map_of_own_keys();
    yaml::Node* given = tree.map();
    for (yaml::Node* map : {own, given})
        for (const char* key : {"b", "A", "a"}) tree.add(*map, key, tree.null());
    CHECK(yaml::print_json(*own, false) == "{\n  \"A\": null,\n  \"a\": null,\n  \"b\": null\n}\n");
    CHECK(yaml::print_json(*given, false) == "{\n  \"b\": null,\n  \"A\": null,\n  \"a\": null\n}\n");
}

TEST_CASE("a key that is long or has line breaks stands on lines of its own") {
    yaml::Tree tree;
    yaml::Node* root = tree.map();
    const std::string fits(128, 'k'), longer(129, 'k');
    yaml::Node* below = tree.map();
    tree.set(*below, "a", tree.string("b"));
    yaml::Node* list = tree.list();
    tree.push(*list, tree.string("x"));
    tree.set(*root, fits, tree.string("v"));
    tree.set(*root, longer, tree.string("v"));
    tree.set(*root, "one\ntwo", below);
    tree.set(*root, "one\xc2\x85two", list);
    CHECK(yaml::print_yaml(*root, false) ==
          fits + ": v\n? " + longer + "\n: v\n? |-\n  one\n  two\n: a: b\n? \"one\\Ntwo\"\n: - x\n");
}

TEST_CASE("JSON has the escapes of Go's encoder; the text of hashes has not") {
    const Printed printed("<>&\b\f\\u0008");
    CHECK(printed.json() == "{\n  \"k\": \"\\u003c\\u003e\\u0026\\b\\f\\\\u0008\"\n}\n");
    CHECK(yaml::print_json_for_hash(*printed.root) == "{\n  \"k\": \"<>&\\u0008\\u000c\\\\u0008\"\n}\n");
}
