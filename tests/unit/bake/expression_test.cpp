#include "bake/expression_parser.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::baking;

namespace {

Value value_of(const std::string& text) {
    TextReader in(text, "f.hcl");
    const Expression parsed = parse_expression(in);
    return evaluate(parsed, {[](const std::string& name) -> std::optional<Value> {
                                 if (name == "tag") return Value::of("v1");
                                 if (name == "many")
                                     return Value::of(std::vector<Value>{Value::of("a"), Value::of("b")});
                                 return std::nullopt;
                             },
                             {}});
}

std::string text(const std::string& expression) { return text_of(value_of(expression)); }

std::string mistake_in(const std::string& expression) {
    try {
        value_of(expression);
        return "";
    } catch (const Error& e) {
        CHECK(e.at().line > 0);
        return e.what();
    }
}

} // namespace

TEST_CASE("bake: operators bind as in HCL") {
    CHECK(text("1 + 2 * 3") == "7");
    CHECK(text("(1 + 2) * 3") == "9");
    CHECK(text("7 % 4 - 1") == "2");
    CHECK(text("-2 + 3") == "1");
    CHECK(text("1 < 2 && !(2 <= 1)") == "true");
    CHECK(text("1 == 1 ? \"yes\" : \"no\"") == "yes");
    CHECK(text("tag != \"v1\" || false ? 1 : 2") == "2");
    CHECK(text("10 / 4") == "2.5");
}

TEST_CASE("bake: strings, templates and here-documents") {
    CHECK(text(R"("app:${tag}-${1 + 1}")") == "app:v1-2");
    CHECK(text(R"("a\n\"b\" $${tag}")") == "a\n\"b\" ${tag}");
    CHECK(text("<<EOT\nFROM ${tag}\n  RUN x\nEOT\n") == "FROM v1\n  RUN x\n");
    CHECK(text("<<-EOT\n    FROM x\n      RUN y\n    EOT\n") == "FROM x\n  RUN y\n");
    CHECK(value_of(R"("${1}")").kind == Value::Kind::number); // one part keeps its kind
    CHECK(text("\"\"") == "");
}

TEST_CASE("bake: lists, objects, for and functions") {
    CHECK(text("[\"x\", \"y\",][1]") == "y");
    CHECK(text("{a = 1, \"b\" : 2}.b") == "2");
    CHECK(text("{\n  a = 1\n  b = 2\n}[\"a\"]") == "1");
    CHECK(text("join(\",\", [for m in many : upper(m) if m != \"a\"])") == "B");
    CHECK(text("join(\",\", keys({for i, m in many : m => i}))") == "a,b");
    CHECK(text("replace(lower(\"A/B\"), \"/\", \"-\")") == "a-b");
    CHECK(text("length(concat(many, [\"c\"]))") == "3");
    CHECK(text("try(nosuch, \"fallback\")") == "fallback");
    CHECK(text("equal(\"\", tag) ? \"none\" : substr(tag, 1, 1)") == "1");
    CHECK(text("format(\"%s-%d\", tag, 3)") == "v1-3");
}

TEST_CASE("bake: what is wrong is told with its place") {
    CHECK(mistake_in("nosuch") == "there is no variable named \"nosuch\"");
    CHECK(mistake_in("nosuch(1)") == "there is no function named \"nosuch\"");
    CHECK(mistake_in("upper()") == "the function upper does not take 0 arguments");
    CHECK(mistake_in("[1, 2][5]") == "the list has 2 elements, none at 5");
    CHECK(mistake_in("0 / 0") == "0 / 0 has no result");
    CHECK(mistake_in("\"open") == "the string has no end");
    CHECK(mistake_in("(1") == "a ')' is needed here");
    CHECK(mistake_in("\"a${[]}\"") == "a string is needed, not list");
    CHECK(mistake_in(std::string(300, '(')) == "the expression is nested too deep");
    CHECK(mistake_in(std::string(300, '!') + "true") == "the expression is nested too deep");
}
