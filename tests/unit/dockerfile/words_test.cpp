#include "base/error.hpp"
#include "dockerfile/words.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

Variables some_variables() {
    Variables v;
    v.set("SET", "set");
    v.set("EMPTY", "");
    v.set("PATHS", "foo/bar/baz.tar.gz");
    v.set("X", "aXbXc");
    v.set("STARS", "*a*");
    v.set("TWO", "a  b");
    v.set("LINES", "one\ntwo");
    v.set("UML", "äöü");
    return v;
}

std::string expanded_text(std::string_view word, const WordRules& rules = {}) {
    return expand(word, some_variables(), rules).text;
}

std::string word_refusal(std::string_view word) {
    try {
        expand(word, some_variables());
        return "";
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::invalid_project);
        return e.what();
    }
}

struct WordRow {
    const char *word, *expected;
};

} // namespace

TEST_CASE("words: modifiers") {
    constexpr WordRow rows[] = {
        {"$SET", "set"},
        {"${SET}x", "setx"},
        {"${NONE:-a}", "a"},
        {"${EMPTY:-a}", "a"},
        {"${EMPTY-a}", ""},
        {"${NONE-$SET}", "set"},
        {"${SET:+a}", "a"},
        {"${EMPTY:+a}", ""},
        {"${EMPTY+a}", "a"},
        {"${NONE+a}", ""},
        {"${SET?no}", "set"},
        {"${EMPTY?no}", ""},
        {"${PATHS#*/}", "bar/baz.tar.gz"},
        {"${PATHS##*/}", "baz.tar.gz"},
        {"${PATHS#bar}", "foo/bar/baz.tar.gz"},
        {"${PATHS%.*}", "foo/bar/baz.tar"},
        {"${PATHS%%.*}", "foo/bar/baz"},
        {"${PATHS%???}", "foo/bar/baz.tar"},
        {"${UML#?}", "öü"},
        {"${UML%?}", "äö"},
        {"${STARS#\\*}", "a*"},
        {"${STARS//\\*/s}", "sas"},
        {"${X/X/-}", "a-bXc"},
        {"${X//X/-}", "a-b-c"},
        {"${X//?X/-}", "--c"},
        {"${X/X*/-}", "a-"},
        {"${X//X/}", "abc"},
        {"${X/Q/-}", "aXbXc"},
        {"${X//*/-}", "-"},
        {"${PATHS//\\//:}", "foo:bar:baz.tar.gz"},
        {"${PATHS/bar\\/baz/x}", "foo/x.tar.gz"},
        {"${NONE/a/b}", ""},
        {"${LINES#*}", "one\ntwo"},
        {"${LINES##*}", "\ntwo"},
        {"${X/X/$SET}", "asetbXc"},
    };
    for (const WordRow& row : rows) {
        CAPTURE(std::string(row.word));
        CHECK(expanded_text(row.word) == row.expected);
    }
}

TEST_CASE("words: quotes and escapes") {
    CHECK(expanded_text("'$SET'\"$SET\"$SET") == "$SETsetset");
    CHECK(expanded_text(R"(a\ b\$SET "\$SET\a")") == R"(a b$SET $SET\a)");
    CHECK(expanded_text("a`$SET\\$SET", {.escape = '`'}) == "a$SET\\set");
    CHECK(expanded_text("'a' \"$SET\" \\b", {.keep_quotes = true}) == "'a' \"set\" b");
    CHECK(expanded_text("'a' \\b", {.keep_quotes = true, .keep_escapes = true}) == "'a' \\b");
    CHECK(expanded_text("it's $SET \"x\"", {.ignore_quotes = true}) == "it's set \"x\"");
    CHECK(expanded_text("$NONE ${NONE:-x} $SET", {.keep_unset = true}) == "$NONE ${NONE:-x} set");
}

TEST_CASE("words: splitting happens after the expansion, quotes hold words together") {
    using Words = std::vector<std::string>;
    CHECK(expand("x$TWO y", some_variables()).words == Words{"xa", "b", "y"});
    CHECK(expand("\"$TWO\"", some_variables()).words == Words{"a  b"});
    CHECK(expand("a\\ b ''", some_variables()).words == Words{"a b"});
}

TEST_CASE("words: which names were found and which were not") {
    auto e = expand("$SET ${NONE:-$OTHER} $SET $NONE", some_variables());
    CHECK(e.matched == std::vector<std::string>{"SET"});
    CHECK(e.unmatched == std::vector<std::string>{"OTHER", "NONE"});
}

TEST_CASE("words: what is refused") {
    CHECK(word_refusal("${NONE?is unset}") == "NONE: is unset");
    CHECK(word_refusal("${EMPTY:?}") == "EMPTY: is not allowed to be empty");
    CHECK(word_refusal("${NONE:?}") == "NONE: is not allowed to be unset");
    CHECK(word_refusal("${SET!x}").find("'!'") != std::string::npos);
    CHECK(word_refusal("${SET:=x}").find("':='") != std::string::npos);
    for (const char* word :
         {"${", "${}", "${:-a}", "${{a}", "${SET", "${SET:-", "'a", "\"a", "${X/a}", "${X#\\a}", "${X#\\"}) {
        CAPTURE(std::string(word));
        CHECK_FALSE(word_refusal(word).empty());
    }
    std::string deep;
    for (int i = 0; i < 10000; ++i) deep += "${A:-";
    CHECK_FALSE(word_refusal(deep).empty());
    Variables grows;
    grows.set("A", std::string(600000, 'a'));
    CHECK_THROWS_AS(expand("$A$A", grows), Error);
}

TEST_CASE("words: a variable that is set again goes to the end") {
    Variables v;
    v.set("A", "1");
    v.set("B", "2");
    v.set("A", "3");
    REQUIRE(v.entries().size() == 2);
    CHECK(v.entries()[1] == Variables::Entry{"A", "3"});
}
