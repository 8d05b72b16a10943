#include "compose/dotenv.hpp"
#include "compose/template.hpp"
#include "table.hpp"

#include <fmt/format.h>

using namespace davit::test;
using namespace davit::compose;

TEST_CASE("environment, labels and annotations: lists and mappings") {
    check_attribute("environment", {
                                       {"[A=1, B, FOO, 'C=']", R"({"A":"1","B":null,"C":"","FOO":"first"})"},
                                       {"{A: 1, B: , FOO: , C: '', D: true, E: 1.10}",
                                        R"({"A":"1","B":null,"C":"","D":"true","E":"1.1","FOO":"first"})"},
                                       {"{A: 0755, B: 1e21, C: 100000000000000000000.0, D: 0x10, E: 08}",
                                        R"({"A":"493","B":"1e+21","C":"1e+20","D":"16","E":"8"})"},
                                       {"['A =1']", "! ends with a blank"},
                                       {"{A: [1]}", "! must be"},
                                       {"A=1", "! must be"},
                                       {"{A: .inf}", "! is no number that can be used"},
                                       {"{A: 9223372036854775808}", R"({"A":"9223372036854775808"})"},
                                       {"[9223372036854775808]", "! must be text, and this is a number"},
                                       {"[2024-01-31]", "! must be text, and this is a date"},
                                   });
    for (const char* attribute : {"labels", "annotations"})
        check_attribute(attribute, {{"[a=b, c]", R"({"a":"b","c":""})"}, {"{a: b, c: }", R"({"a":"b","c":""})"}});
}

// FOO=first, BAR="", U unset: the table of the reference.
TEST_CASE("the grammar of variables") {
    const std::string first = "first", empty, hundred = "100";
    const Lookup lookup = [&](std::string_view name) -> const std::string* {
        return name == "FOO" ? &first : name == "BAR" ? &empty : name == "AMOUNT" ? &hundred : nullptr;
    };
    const std::pair<const char*, const char*> good[] = {
        {"$${foo}", "${foo}"},
        {"${BAR:-d}", "d"},
        {"${BAR-d}", ""},
        {"${U-d}", "d"},
        {"${BAR:+x}", ""},
        {"${BAR+x}", "x"},
        {"${U+x}", ""},
        {"${FOO:+x}", "x"},
        {"${U-${FOO} ${FOO}}", "first first"},
        {"${BAR+$FOO ${FOO:+second}}", "first second"},
        {"${U-myerror?msg}", "myerror?msg"},
        {"${SUB:-redis}.${FOO:?}", "redis.first"},
        {"ok ${missing:-{\"json\":1}}", "ok {\"json\":1}"},
        {"$FOO-bar", "first-bar"},
        {"Price: $$${AMOUNT}", "Price: $100"},
        {"${A:+${A},}B", "B"},
        {"^a$", "^a$"},
        {"a $ b", "a $ b"},
        {"$", "$"},
        {"$}", "$}"},
        {"${NOPE:-{x}", "{x"},
        {"${FOO:-a:b}", "first"},
        {"${U:-a:b}", "a:b"},
        {"${U:-}", ""},
    };
    for (const auto& [text, expected] : good) {
        CAPTURE(text);
        Expansion out = expand(text, lookup);
        CHECK(!out.error);
        CHECK(out.text == expected);
    }
    for (const char* text : {"${", "${}", "${ }", "${ foo}", "${foo }", "${foo!}"}) {
        CAPTURE(text);
        Expansion out = expand(text, lookup);
        REQUIRE(out.error);
        CHECK(out.error->kind == TemplateError::Kind::invalid);
    }
    CHECK(expand("${U?bar-baz}", lookup).error->message == "the variable U must be given a value: bar-baz");
    CHECK(expand("${U:?Mandatory ${FOO}}", lookup).error->message ==
          "the variable U must be given a value: Mandatory first");
    CHECK(expand("${A:+${A},}B", lookup).unset.empty());
    CHECK(expand("$U", lookup).unset == std::vector<std::string>{"U"});
}

TEST_CASE("deep nesting of variables ends with an error") {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += "${A:-";
    text += std::string(100000, '}');
    CHECK(expand(text, [](std::string_view) -> const std::string* { return nullptr; }).error);
}

TEST_CASE("what a text becomes is bounded, and what a file of variables does") {
    const std::string large(1u << 20, 'x');
    std::string text;
    for (int i = 0; i < 100; ++i) text += "$A";
    const Expansion out = expand(text, [&](std::string_view) { return &large; });
    REQUIRE(out.error);
    CHECK(out.error->kind == TemplateError::Kind::too_large);
    CHECK(out.text.size() < 20u << 20);
    std::string doubled = "A0=" + large + "\n";
    for (int i = 0; i < 100; ++i) doubled += fmt::format("A{0}=${{A{1}}}${{A{1}}}\n", i + 1, i);
    for (int i = 0; i < 100; ++i) doubled += fmt::format("B{}=$A1\n", i);
    const auto nothing = [](std::string_view) -> const std::string* { return nullptr; };
    const DotenvResult values = parse_dotenv(doubled, nothing);
    REQUIRE(values.errors.size() == 1);
    CHECK(values.errors[0].line == 5); // 1 + 2 + 4 + 8 MiB, and 16
}

namespace {
std::string parsed(const std::string& text, bool raw = false) {
    const std::string out_value = "OUT";
    const Lookup outside = [&](std::string_view name) { return name == "OUTSIDE" ? &out_value : nullptr; };
    DotenvResult result = raw ? parse_raw_env(text, outside) : parse_dotenv(text, outside);
    std::string out;
    for (const auto& [key, value] : result.values) out += key + "=" + value + "|";
    for (const auto& e : result.errors) out += "error " + std::to_string(e.line) + "|";
    return out;
}
} // namespace

TEST_CASE("env files: quotes, comments, escapes") {
    const std::pair<const char*, const char*> rows[] = {
        {"A=1\nB = 2 # c\n", "A=1|B=2|"},
        {"export A=1", "A=1|"},
        {"A: 1", "A=1|"},
        {"A=a#b", "A=a#b|"},
        {"A='$X \\n'", "A=$X \\n|"},
        {"A=\"a\\nb\"", "A=a\nb|"},
        {"A=\"x\ny\"\nB=1", "A=x\ny|B=1|"},
        {"A=\"\\$X\"", "A=$X|"},
        {"A=1\nB=${A}2", "A=1|B=12|"},
        {"OUTSIDE\nMISSING\n", "OUTSIDE=OUT|"},
        {"A=${OUTSIDE}", "A=OUT|"},
        {"\xef\xbb\xbf"
         "A=1",
         "A=1|"},
        {"A= # x", "A=# x|"},
        {"# only\n\n", ""},
        {"A=1\r\nB=2\r\n", "A=1|B=2|"},
        {"A B=1\nC=2", "C=2|error 1|"},
        {"A=1\nB=\"open", "A=1|error 2|"},
        {"A$=1", "error 1|"},
        {"A=${X", "error 1|"},
        {"A=1\nOUTSIDE", "A=1|=OUTSIDE|"},
        {"export A", "=A|"},
        {"unset A", "=unset A|"},
        {"A=\"1\" b", "A=1|=b|"},
        {"A=\"1\" b\n", "A=1|"},
        {"A!", "error 1|"},
        {"A=\"\\0 \\012 \\0101 \\0351 \\0400\"", "A=\\ \\12 A \xc3\xa9 \\400|"},
    };
    for (const auto& [text, expected] : rows) {
        CAPTURE(text);
        CHECK(parsed(text) == expected);
    }
    CHECK(parsed("A=\"1\" # x\n  B=$X\nOUTSIDE\n# c\n", true) == "A=\"1\" # x|B=$X|OUTSIDE=OUT|");
    CHECK(parsed("=x\nA B=1", true) == "error 1|error 2|");
}
