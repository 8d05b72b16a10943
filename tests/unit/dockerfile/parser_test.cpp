#include "tree_text.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

Syntax read(std::string_view text) { return parse(text, "Dockerfile"); }
std::string tree(std::string_view text) { return tree_text(read(text)); }

struct Refusal {
    std::string message;
    int line = 0, column = 0;
};

Refusal refusal(std::string_view text) {
    try {
        read(text);
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::invalid_project);
        CHECK(e.at().file == "Dockerfile");
        CHECK_FALSE(e.hint().empty());
        return {e.what(), e.at().line, e.at().column};
    }
    FAIL("was read: " << text);
    return {};
}

} // namespace

TEST_CASE("parser: continuations, comments and empty lines between") {
    CHECK(tree("RUN a \\\n# c\n   # d\n  b \\\n\n  c\n") == "(run \"a   b   c\")\n");
    CHECK(tree("ENV A=x\\\ny B=z") == "(env \"A\" \"xy\" \"=\" \"B\" \"z\" \"=\")\n");
    CHECK(tree("ENV A=1 \\  \t\n B=2\n") == "(env \"A\" \"1\" \"=\" \"B\" \"2\" \"=\")\n");
    CHECK(tree("RUN a\\\\\nRUN b") == "(run \"a\\\\\\\\\")\n(run \"b\")\n");
    CHECK(tree("RUN a \\") == "(run \"a\")\n");
    CHECK(tree("RUN a \\\r\n b\r\nRUN c") == "(run \"a  b\")\n(run \"c\")\n");
    CHECK(read("RUN a \\\n\n b\nRUN c").empty_continuations == std::vector<Place>{{"Dockerfile", 3, 3}});
}

TEST_CASE("parser: places count lines and columns from 1") {
    auto syntax = read("# top\n\n  RUN a \\\n  b\nCOPY --x=1 \\\n   --y a b");
    REQUIRE(syntax.nodes.size() == 2);
    CHECK(syntax.nodes[0].place == Place{"Dockerfile", 3, 4, 3});
    CHECK(syntax.nodes[1].place == Place{"Dockerfile", 5, 6, 1});
    CHECK(syntax.nodes[1].place_of("--x") == Place{"Dockerfile", 5, 6, 6});
    CHECK(syntax.nodes[1].place_of("--y") == Place{"Dockerfile", 6, 6, 4});
    CHECK(syntax.nodes[1].place_of("--z") == syntax.nodes[1].place);
}

TEST_CASE("parser: comments above an instruction belong to it") {
    auto syntax = read("# escape=`\n# gone\n#\n# far\n\n# a first\n#b\nFROM x\nRUN y");
    CHECK(syntax.nodes[0].comments == std::vector<std::string>{"far", "a first", "b"});
    CHECK(syntax.nodes[1].comments.empty());
    CHECK(read("# escape=`\n# check=skip=all\n\nFROM x").nodes[0].comments.empty());
    CHECK(read("#!/x\n# check=skip=all\nFROM x").nodes[0].comments.size() == 2);
}

TEST_CASE("parser: white space of Unicode around an instruction") {
    auto syntax = read("\u00a0FROM x\n\u2003\u3000# a comment\n\u00a0\n\u00a0RUN a \\\n\u00a0\n b\u00a0c\u00a0\n");
    REQUIRE(syntax.nodes.size() == 2);
    CHECK(syntax.nodes[0].keyword == "FROM");
    CHECK(syntax.nodes[1].comments == std::vector<std::string>{"a comment"});
    CHECK(syntax.nodes[1].args == std::vector<std::string>{"a  b\u00a0c"});
}

TEST_CASE("parser: the escape directive") {
    CHECK(tree("# escape=`\nRUN a `\n b\\\n") == "(run \"a  b\\\\\")\n");
    CHECK(tree("\xef\xbb\xbf#   EsCaPe  =  `\nRUN a `\n b") == "(run \"a  b\")\n");
    CHECK(read("# hello\n# escape=`\nRUN a").directives.escape == '\\');
    CHECK(read("#!/usr/bin/x\n# escape=`\nRUN a").directives.escape == '\\');
    CHECK(read("# unknown=1\n# escape=`\nRUN a").directives.escape == '\\');
    CHECK(refusal("# escape=x\nRUN a").line == 1);
    CHECK(refusal("# escape=`\n# escape=`\nRUN a").line == 2);
}

TEST_CASE("parser: the syntax and check directives") {
    auto syntax = read("# syntax=docker/dockerfile:1 x\n# check=skip=all;error=true\nFROM a").directives;
    REQUIRE(syntax.syntax);
    CHECK(syntax.syntax->value == "docker/dockerfile:1 x");
    REQUIRE(syntax.check);
    CHECK(syntax.check->value == "skip=all;error=true");
    CHECK(syntax.check->place.first_line == 2);
    CHECK(read("#!x\n# syntax=a/b\nFROM a").directives.syntax->place.first_line == 2);
    CHECK(read("// syntax=a/b\nFROM a").directives.syntax->value == "a/b");
    CHECK(read("{\"syntax\": \"a/b\"}").directives.syntax->value == "a/b");
    CHECK_FALSE(read("# hello\n# syntax=a/b\nFROM a").directives.syntax);
}

TEST_CASE("parser: other frontends are refused") {
    for (const char* own : {"docker/dockerfile", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile:1",
                            "docker/dockerfile-upstream:master", "docker/dockerfile@sha256:0 x"})
        CHECK_NOTHROW(require_own_frontend({own, {"Dockerfile", 1, 1}}));
    for (const char* other : {"example.org/x", "docker/dockerfile2", "quay.io/docker/dockerfile:1"})
        CHECK_THROWS_AS(require_own_frontend({other, {"Dockerfile", 1, 1}}), Error);
}

TEST_CASE("parser: JSON forms, and what only looks like one") {
    CHECK(tree("CMD   [ \"a\" ,\"b c\"  ]   ") == "(cmd \"a\" \"b c\")\n");
    CHECK(read("CMD [\"a\"]").nodes[0].json);
    CHECK(tree("CMD [\"a\"] && b") == "(cmd \"[\\\"a\\\"] && b\")\n");
    CHECK(tree("CMD [\"a\",]") == "(cmd \"[\\\"a\\\",]\")\n");
    CHECK_FALSE(read("CMD ['a']").nodes[0].json);
    CHECK(tree("COPY [\"a b\", \"c\"]\nCOPY [a b") == "(copy \"a b\" \"c\")\n(copy \"[a\" \"b\")\n");
    CHECK(refusal("FROM x\nCMD [\"a\", 1]").line == 2);
}

TEST_CASE("parser: flags end with the first word that is none, or with --") {
    CHECK(tree("COPY --a --b=\"c d\" e --f g") == "(copy [\"--a\" \"--b=c d\"] \"e\" \"--f\" \"g\")\n");
    CHECK(tree("CMD --a -- [ \"x\" ]") == "(cmd [\"--a\"] \"x\")\n");
    CHECK(tree("HEALTHCHECK --interval=1s CMD a  b") == "(healthcheck [\"--interval=1s\"] \"CMD\" \"a  b\")\n");
}

TEST_CASE("parser: heredocs") {
    auto nodes = read("RUN cat <<A > x && cat <<-\"B\"\none\nA\n\ttwo\n\tB\nCOPY <<EOF /x\nEOF\nRUN x").nodes;
    REQUIRE(nodes.size() == 3);
    CHECK(nodes[0].heredocs == std::vector<Heredoc>{{"A", "one\n", false, true}, {"B", "\ttwo\n", true, false}});
    CHECK(nodes[0].place.last_line == 5);
    CHECK(nodes[1].heredocs == std::vector<Heredoc>{{"EOF", "", false, true}});
    for (const char* none :
         {"RUN echo \"<<EOF\"", "RUN echo $((1<<3))", "RUN a <<<b", "RUN it's <<EOF", "RUN a <<- EOF", "RUN a << ",
          "RUN a <<${x:-EOF}", "RUN a << \"${x-EOF}\"", "ENV A=<<EOF", "RUN [\"a\", \"<<EOF\"]"}) {
        CAPTURE(std::string(none));
        CHECK(read(none).nodes.at(0).heredocs.empty());
    }
    struct Opening {
        const char* text;
        Heredoc heredoc;
    };
    const Opening openings[] = {
        {"RUN cat << EOF > /x\nv\nEOF", {"EOF", "v\n", false, true}},
        {"RUN cat 3<<\tEOF\nEOF", {"EOF", "", false, true}},
        {"COPY << 'EOF' /x\nEOF", {"EOF", "", false, false}},
        {"RUN << -EOF\n-EOF", {"-EOF", "", false, true}},
        {"ONBUILD RUN cat << EOF\nEOF", {"EOF", "", false, true}},
        {"RUN cat <<E\\OF\nEOF", {"EOF", "", false, true}},
        {"RUN cat <<it\\'s\nit's", {"it's", "", false, true}},
        {"RUN cat <<${x}\n${x}", {"${x}", "", false, true}},
    };
    for (const Opening& opening : openings) {
        CAPTURE(std::string(opening.text));
        const auto opened = read(opening.text).nodes;
        REQUIRE(opened.size() == 1);
        CHECK(opened[0].heredocs == std::vector<Heredoc>{opening.heredoc});
    }
    CHECK(refusal("FROM x\nRUN echo $((1 << 2))\n").line == 2);
    auto onbuild = read("ONBUILD RUN <<EOF\na\nEOF\n").nodes;
    CHECK(onbuild[0].heredocs.size() == 1);
    CHECK(onbuild[0].trigger.at(0).heredocs.size() == 1);
    CHECK(without_tabs("\ta\n\t\tb\n\tc\td") == "a\nb\nc\td");
    auto wrong = refusal("FROM x\nRUN a <<EOF\nb\nEOF \n");
    CHECK(wrong.line == 2);
    CHECK(wrong.column == 7);
}

TEST_CASE("parser: what is refused") {
    CHECK(refusal("").line == 1);
    CHECK(refusal("# a\n\n  # b\n").line == 1);
    CHECK(refusal("FROM x\nENV A").line == 2);
    auto word = refusal("FROM x\nENV A=1 # one");
    CHECK(word.line == 2);
    CHECK(word.column == 9);
    CHECK(refusal("FROM x\nLABEL x=" + std::string(70000, 'a')).line == 2);
    CHECK_NOTHROW(read("LABEL x=" + std::string(65527, 'a') + "\n"));
    CHECK(refusal("LABEL x=" + std::string(65528, 'a') + "\n").line == 1);
}

TEST_CASE("parser: a trigger stands where FROM stands") {
    const Place from{"Dockerfile", 7, 7};
    CHECK(parse_trigger("RUN <<EOF\na\nEOF", from).place == from);
    CHECK(parse_trigger("COPY a b", from).args == std::vector<std::string>{"a", "b"});
    try {
        parse_trigger("ENV A", from);
        FAIL("was read");
    } catch (const Error& e) {
        CHECK(e.at().line == 7);
    }
    CHECK_THROWS_AS(parse_trigger("RUN a\nRUN b", from), Error);
}
