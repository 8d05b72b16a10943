#include "dockerfile/ignore.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

struct PatternRow {
    const char *pattern, *path;
    bool matches;
};

IgnoreList list_of(const char* text) { return IgnoreList(ignore_patterns(text)); }

} // namespace

TEST_CASE("patterns: what they match") {
    constexpr PatternRow across[] = {
        {"a", "a", true},        {"a", "a/b", false},         {"*", "a", true},
        {"*", "a/b", false},     {"*.md", "b.md", true},      {"*/*.md", "a/b.md", true},
        {"?.md", "b.md", true},  {"?.md", "/.md", false},     {"?", "ü", true},
        {"**", "a/b", true},     {"**/x", "x", true},         {"**/x", "a/b/x", true},
        {"**/x", "ax", false},   {"a/**", "a/b/c", true},     {"a/**", "a", false},
        {"a/**/b", "a/b", true}, {"a/**/b", "a/x/y/b", true}, {"a/**/b", "a/xb", false},
        {"**x", "a/yx", true},   {"**/*.md", "a/b.md", true}, {"[a-c]?", "bz", true},
        {"[^a-c]", "d", true},   {"[^a-c]", "a", false},      {"[x\\-z]", "-", true},
        {"[!1]", "!", true},     {"\\*", "*", true},          {"\\*", "x", false},
        {"a\\_b", "a_b", true},  {"a**b", "a/x/b", true},     {"**/", "a/b", true},
        {"^?", "a", true},       {"^a", "^a", true},          {"x^*", "x^", false},
        {"**/^a?", "ab", true},  {"**/^a?", "x/ab", false},   {"^a/**", "^a/b", true},
    };
    for (const PatternRow& row : across) {
        CAPTURE(std::string(row.pattern));
        CAPTURE(std::string(row.path));
        CHECK(PathPattern(row.pattern, PathPattern::Stars::across).matches(row.path) == row.matches);
    }
    CHECK_FALSE(PathPattern("**/x", PathPattern::Stars::single).matches("a/b/x"));
    CHECK(PathPattern("**/x", PathPattern::Stars::single).matches("a/x"));
    CHECK_FALSE(PathPattern("**/x", PathPattern::Stars::single).matches("x"));
    for (const char* bad : {"[a", "[]", "[a-]", "a\\", "[]a]", "[-a]", "[\\"}) {
        CAPTURE(std::string(bad));
        CHECK_THROWS_AS(PathPattern(bad, PathPattern::Stars::single), Error);
    }
    CHECK(has_wildcards("a*"));
    CHECK_FALSE(has_wildcards("a\\*"));
}

TEST_CASE("patterns: a backslash before a letter, as Go's regular expressions have it") {
    const PatternRow rows[] = {
        {"\\d", "5", true},       {"\\d", "d", false},      {"\\w*", "ab_1", true},
        {"\\w*", ".a", false},    {"[\\d]", "7", true},     {"[\\d]", "d", false},
        {"[\\d]", "\\", false},   {"a\\d", "a1", true},     {"[^\\d]", "a", true},
        {"[^\\d]", "1", false},   {"\\D", "a", true},       {"\\D", "1", false},
        {"a\\tb", "a\tb", true},  {"\\x41", "A", true},     {"\\x41", "x41", false},
        {"\\x{42}c", "Bc", true}, {"\\12", "1", false},     {"\\141", "a", true},
        {"\\.x", ".x", true},     {"\\_", "_", true},       {"foo\\bar", "foobar", false},
        {"\\S", "a", true},       {"[\\n]", "n", false},    {"\\a", "a", false},
        {"\\-", "-", true},       {"\\0", "0", false},      {"\\f", "f", false},
        {"[a\\d]", "a", true},    {"\\S", " ", false},      {"\\W\\s", "-\t", true},
        {"\\x41*", "Ab", true},   {"[\\x41-C]", "B", true},
    };
    for (const PatternRow& row : rows) {
        CAPTURE(std::string(row.pattern));
        CAPTURE(std::string(row.path));
        CHECK(PathPattern(row.pattern, PathPattern::Stars::across).matches(row.path) == row.matches);
    }
    for (const char* bad :
         {"\\x!", "\\1", "\\8", "a\\E", "\\pu", "[a-\\d]", "\\y", "[\\y]", "[\\1]", "\\C", "\\x4", "\\x{42", "[\\"}) {
        CAPTURE(std::string(bad));
        CHECK_THROWS_AS(PathPattern(bad, PathPattern::Stars::across), Error);
    }
    CHECK(PathPattern("\\d", PathPattern::Stars::single).matches("d")); // COPY's sources are no regular expressions
}

TEST_CASE("ignore: lines of the file") {
    using Lines = std::vector<std::string>;
    CHECK(ignore_patterns("\xef\xbb\xbf/a.txt\r\n# c\n\n  ./b/../c/  \n! d \n!\n\\#x\n /#y\n") ==
          Lines{"a.txt", "c", "!d", "!", "\\#x", "#y"});
    CHECK_THROWS_AS(list_of("*\n!"), Error);
    CHECK_THROWS_AS(list_of("[a"), Error);
}

TEST_CASE("ignore: the last match counts, and a directory goes with all below it") {
    auto list = list_of("*\n!d\n!a.txt\nd/e\n!d/e/b.md");
    CHECK(list.ignored("x"));
    CHECK_FALSE(list.ignored("a.txt"));
    CHECK_FALSE(list.ignored("d"));
    CHECK_FALSE(list.ignored("d/x/y"));
    CHECK(list.ignored("d/e"));
    CHECK(list.ignored("d/e/a.txt"));
    CHECK_FALSE(list.ignored("d/e/b.md"));
    CHECK(list_of("d\n!d\nd").ignored("d/x"));
    CHECK_FALSE(IgnoreList().ignored("x"));
    CHECK_FALSE(list_of("a").ignored("/a/b/")); // no such path, and no reason to stand still
}

TEST_CASE("ignore: a walk from the root gives the same") {
    auto list = list_of("*\n!d\nd/e\n!**/k");
    for (const char* path : {"d/e/k", "d/e/x", "d/x", "x", "x/k", "d"}) {
        IgnoreList::Matched above, own;
        bool ignored = false;
        std::string walked;
        for (const char* c = path;; ++c) {
            if (*c == '/' || *c == '\0') {
                ignored = list.ignored(walked, above, own);
                above = own;
            }
            if (*c == '\0') break;
            walked += *c;
        }
        CAPTURE(std::string(path));
        CHECK(ignored == list.ignored(path));
    }
}

TEST_CASE("ignore: which ignored directories must be entered") {
    auto list = list_of("a\n!a/b/*.x\n!**/y\nc");
    CHECK(list.may_hold_taken("a"));
    CHECK(list.may_hold_taken("c")); // because of **
    auto plain = list_of("a\nc\n!a/b/*.x\n!z*/q");
    CHECK(plain.may_hold_taken("a"));
    CHECK(plain.may_hold_taken("a/b"));
    CHECK_FALSE(plain.may_hold_taken("a/c"));
    CHECK_FALSE(plain.may_hold_taken("c"));
    CHECK(plain.may_hold_taken("zoo"));
    CHECK_FALSE(plain.may_hold_taken("zoo/q"));
}
