// Files that few editors write, read as Docker Compose's YAML reads them.
#include "tests/unit/yaml/read.hpp"
#include "yaml/text.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::test;
using nlohmann::json;

namespace {

std::string utf16(std::u16string_view text, bool big_endian) {
    std::string out;
    for (char16_t unit : text) {
        const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
        out += big_endian ? high : low;
        out += big_endian ? low : high;
    }
    return out;
}

bool refused(const std::string& text) { return !ReadYaml(text).said.errors.empty(); }

} // namespace

TEST_CASE("all line breaks of YAML 1.1 but the separators of Unicode become line feeds") {
    CHECK(yaml::canonical_text("a\rb\r\nc\xc2\x85"
                               "d\r") == "a\nb\r\nc\nd\n");
    CHECK(yaml::canonical_text("\r\r\n") == "\n\r\n");
    CHECK(yaml::canonical_text("a\xc2\x86\xe2\x80\xa8") == "a\xc2\x86\xe2\x80\xa8");
    CHECK(yaml::canonical_text("\xc2") == "\xc2");
}

TEST_CASE("UTF-16 with a byte order mark becomes UTF-8, and what is broken stays") {
    for (bool big : {false, true}) {
        CAPTURE(big);
        CHECK(yaml::canonical_text(utf16(u"\ufeff"
                                         u"a: \u00e9\u20ac\U0001f600\r",
                                         big)) == "a: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
        for (const std::string& broken :
             {utf16(u"\ufeff"
                    u"a",
                    big) +
                  "b",
              utf16(std::u16string{0xfeff, 0xd83d}, big), utf16(std::u16string{0xfeff, 0xd83d, 'a'}, big),
              utf16(std::u16string{0xfeff, 0xde00}, big)})
            CHECK(yaml::first_bad_utf8(yaml::canonical_text(broken)) == 0);
    }
}

TEST_CASE("a tab is no indentation behind a closed bracket, nor behind a word between brackets") {
    for (const char* text :
         {"a: [x]\n\t\nb: c\n", "a: {x: y}\n\t# word\nb: c\n", "{a: b}\n\t\n", "a: ['x\n ]']\n\t\nb: c\n",
          "a: [it's]\n\t\nb: c\n", "a:\n  b: [x,\n    y\n\t]\n", "a: [!t ']']\n\t\nb: c\n"}) {
        CAPTURE(text);
        CHECK(refused(text));
    }
    for (const char* text : {"a: [x]\t\nb: c\n", "a: [x,\n\ty]\nb: c\n", "a: [x,\n\t\n\t'y'\n\t]\nb: c\n",
                             "a: {x: [y]\n\t,\n\tz: w}\nb: c\n", "a: [x] # [\n\n"}) {
        CAPTURE(text);
        CHECK_FALSE(refused(text));
    }
}

TEST_CASE("items that are not there, and colons that start a text between braces") {
    for (const char* text : {"a: [,]\n", "a: [b,,c]\n", "a: {k: :x}\n", "a: {:x: y}\n", "a: {\"k\"::x}\n"}) {
        CAPTURE(text);
        CHECK(refused(text));
    }
    CHECK(json_of("a: [b,]\n") == json{{"a", {"b"}}});
    CHECK(json_of("a: [~, null]\n") == json{{"a", {nullptr, nullptr}}});
    CHECK(json_of("a: {k: b:c}\n") == json{{"a", {{"k", "b:c"}}}});
    CHECK(json_of("a: {k: ':x'}\n") == json{{"a", {{"k", ":x"}}}});
}

TEST_CASE("!!binary is base64 with its padding, over lines perhaps") {
    for (const char* text : {"aGk", "aGk==", "a=Gk", "aGk=x", "a", "=", "====", "aG k=", "_-=="}) {
        CAPTURE(text);
        CHECK(refused(std::string("a: !!binary \"") + text + "\"\n"));
    }
    CHECK(json_of("a: !!binary |\n  aGVs\n  bG8=\n") == json{{"a", "hello"}});
    CHECK(json_of("a: !!binary ''\n") == json{{"a", ""}});
    CHECK(json_of("a: !!binary YR==\n") == json{{"a", "a"}});
}

TEST_CASE("what is valid between brackets is not refused for what stands around it") {
    const std::string marked = "\xef\xbb\xbfx: [a,b,null]\n";
    CHECK(yaml::canonical_text(marked) == marked.substr(3));
    CHECK_FALSE(refused(marked)); // as what is published is read
    std::string items;
    for (int i = 0; i < 35'000; ++i) items += "a,";
    REQUIRE(("{x: [" + items)[65'534] == ','); // where columns end
    CHECK_FALSE(refused("{x: [" + items + "null,b]}"));
    CHECK_FALSE(refused("a: {b:\n\tx}\n"));
    CHECK_FALSE(refused("a: [x, #\n \"a]b\",\n\t]\n"));
}

TEST_CASE("tabs behind a key, a comment or an anchor between brackets, and behind brackets in texts and tags") {
    for (const char* text :
         {"a: {b:\r\n\tx}\n", "a: {b:\t\n\tx}\n", "a:\n  b: [x\t# c\n\t, y]\n", "a:\n  b: [x\n# c\n\t, y]\n",
          "a:\n  b: [&c\n\tx]\n", "a: &b\n  [x,\n\t]\n", "a: !t # [\n  [x,\n\t]\n", "a: [! \"b]c\",\n\t]\n",
          "a: {? \"b}c\" : d,\n\t}\n", "a: [!<t:[x]> \"b]c\",\n\t]\n"}) {
        CAPTURE(text);
        CHECK_FALSE(refused(text));
    }
    for (const char* text : {"a:\n  b: [x\n\t# c\n  , y]\n", "a:\n  b: [&c x\n\ty]\n", "a:\n  b: [x#\n\ty]\n",
                             "a:\n  b: [x:y\n\tz]\n", "a: [b:'c, d]\n\t\nb: c\n"}) {
        CAPTURE(text);
        CHECK(refused(text));
    }
}

TEST_CASE("a quoted text with line ends is itself, whatever stands where columns end") {
    std::string text = "{x: [\"";
    text += std::string(65'534 - text.size(), 'a') + "|\\n b\", \"c\\nd\"], y: [\"e\\n\"]}";
    REQUIRE(text[65'534] == '|');
    CHECK(json_of(text)["y"] == json{"e\n"});
    CHECK(json_of(text)["x"][1] == "c\nd");
}

TEST_CASE("what has an anchor below !reset is read where it is used") {
    CHECK_FALSE(refused("c: &c {k: v}\nold: !reset {base: &base {<<: *c, x: y}}\nweb: {<<: *base}\n"));
    CHECK(refused("old: !reset {base: &base {x: 1, x: 2}}\nweb: *base\n"));
    CHECK(refused("old: !reset {n: &n .inf}\nweb: *n\n"));
    CHECK(refused("old: !reset {n: &n !!int x}\nweb: *n\n"));
    CHECK(json_of("old: !reset {n: &n !!int 5}\nweb: *n\n")["web"] == 5);
}

TEST_CASE("what !reset takes away is read, not made into values") {
    for (const char* text : {"{x: 1, x: 2}", "{y: !!binary '!'}", "{? [x] : y}", "{1: y}", "{<<: x}", "{y: !!int x}",
                             "{y: .inf}", "[{x: 1, x: 2}]"}) {
        CAPTURE(text);
        CHECK_FALSE(refused(std::string("a: !reset ") + text + "\nb: c\n"));
        CHECK(refused(std::string("a: ") + text + "\nb: c\n"));
    }
    CHECK(refused("a: !reset {x: *none}\n"));
    CHECK(refused("a: !reset {x: y\n"));
}
