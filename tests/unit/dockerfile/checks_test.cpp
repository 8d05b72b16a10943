#include "dockerfile/checks.hpp"
#include "dockerfile/ports.hpp"
#include "dockerfile/sources.hpp"
#include "dockerfile/text.hpp"
#include "evaluated.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::dockerfile;

namespace {

// "Rule:line", in the order in which they are found.
std::vector<std::string> findings(const std::string& text, const Change& change = {}) {
    const Checked checked = check(read_document(text, "Dockerfile"), test_options(change));
    std::vector<std::string> out;
    for (const Check& c : checked.checks) {
        CHECK_FALSE(c.message.empty());
        out.push_back(c.rule + ":" + std::to_string(c.place.first_line));
    }
    return out;
}

struct FindingRow {
    const char* text;
    std::vector<std::string> expected;
};

} // namespace

TEST_CASE("checks: each rule, and what is near it but right") {
    const FindingRow rows[] = {
        {"FROM x AS Build", {"StageNameCasing:1"}},
        {"FROM x as b", {"FromAsCasing:1"}},
        {"From x as b", {"ConsistentInstructionCasing:1"}},
        {"FROM x\nRUN a \\\n\n b", {"NoEmptyContinuation:4"}},
        {"FROM x\nrun a\nRUN b", {"ConsistentInstructionCasing:2"}},
        {"from x\nrun a", {}},
        {"FROM x AS a\nFROM x AS a", {"DuplicateStageName:2"}},
        {"FROM x AS context", {"ReservedStageName:1"}},
        {"FROM x\nCMD echo\nENTRYPOINT [\"e\"]", {"JSONArgsRecommended:2"}},
        {"FROM x\nSHELL [\"s\"]\nCMD echo", {}},
        {"FROM x\nMAINTAINER m", {"MaintainerDeprecated:2"}},
        {"ARG VERSION=1\nFROM x:${VERSIO:-1}", {"UndefinedArgInFrom:2"}},
        {"FROM x\nWORKDIR a\nWORKDIR b", {"WorkdirRelativePath:2"}},
        {"FROM x\nWORKDIR /a\nWORKDIR b", {}},
        {"FROM x\nENV A=$NONE B=${OTHER:-d} P=$PATH", {"UndefinedVar:2", "UndefinedVar:2"}},
        {"FROM x\nARG A\nENV B=$A", {}},
        {"FROM x\nCMD [\"a\"]\nCMD [\"b\"]", {"MultipleInstructionsDisallowed:2"}},
        {"FROM x AS a\nCMD [\"a\"]\nFROM a\nCMD [\"b\"]", {}},
        {"FROM x\nENV A b\nLABEL c d", {"LegacyKeyValueFormat:2", "LegacyKeyValueFormat:3"}},
        {"FROM --platform=linux/arm64 x", {"FromPlatformFlagConstDisallowed:1", "InvalidBaseImagePlatform:1"}},
        {"FROM --platform=linux/amd64 x AS amd64", {}},
        {"FROM --platform=$TARGETPLATFORM x", {"RedundantTargetPlatform:1"}},
        {"FROM --platform=$BUILDPLATFORM x", {}},
        {"FROM x\nARG API_KEY\nENV PUBLIC_KEY=1 MONKEY=2", {"SecretsUsedInArgOrEnv:2"}},
        {"ARG V\nFROM x:$V", {"InvalidDefaultArgInFrom:2"}},
        {"FROM x\nEXPOSE 80/TCP 1:2", {"ExposeInvalidFormat:2", "ExposeProtoCasing:2"}},
        {"# check=experimental=all\nFROM x\n# other text\nARG A\n# B is it\nARG B", {"InvalidDefinitionDescription:4"}},
        {"FROM x\n# other text\nARG A", {}},
        {"# check=experimental=all\nFROM x AS a\n# other text\n\nARG A\n# other text\n#\nARG B",
         {"InvalidDefinitionDescription:5"}},
        {"# check=experimental=all\n\nFROM x AS a", {}},
        {"# check=skip=MaintainerDeprecated,LegacyKeyValueFormat is a word\nFROM x\nMAINTAINER m\nENV A b\nCMD c",
         {"JSONArgsRecommended:5"}},
        {"# check=skip=all\nFROM x\nMAINTAINER m", {}},
        {"FROM x\n# check=skip=JSONArgsRecommended\nCMD a", {}},
        {"FROM x\n# check=skip=jsonargsrecommended\nCMD a", {"JSONArgsRecommended:3"}},
        {"# check=skip=maintainerdeprecated\nFROM x\nMAINTAINER m", {"MaintainerDeprecated:3"}},
        {"# check=skip=all;experimental=all\nFROM x as a\n# other text\nARG A", {"InvalidDefinitionDescription:4"}},
    };
    for (const FindingRow& row : rows) {
        CAPTURE(std::string(row.text));
        auto found = findings(row.text);
        std::sort(found.begin(), found.end());
        CHECK(join(found, " ") == join(row.expected, " "));
    }
}

TEST_CASE("checks: files that .dockerignore excludes") {
    const auto with = [](std::vector<std::string> patterns) {
        return [patterns](EvaluateOptions& o) { o.ignore_patterns = patterns; };
    };
    const std::string text = "FROM x\nCOPY a.txt /d/f b.txt /\nCOPY --from=img a.txt /\nCOPY . /";
    CHECK(findings(text, with({"a.txt", "d"})) == std::vector<std::string>{"CopyIgnoredFile:2", "CopyIgnoredFile:2"});
    CHECK(findings(text, with({"a.txt", "!b.txt"})).empty());
    CHECK(findings("FROM x\nCOPY . /", with({"*"})) == std::vector<std::string>{"CopyIgnoredFile:2"});
}

TEST_CASE("checks: findings can be errors, and stand beside what fails") {
    CHECK_THROWS_AS(evaluated("# check=error=true\nFROM x as a"), Error);
    CHECK_NOTHROW(evaluated("# check=error=true\nFROM x AS a"));
    CHECK_NOTHROW(evaluated("# check=error=true\nFROM x as a",
                            [](EvaluateOptions& o) { o.build_args.set("BUILDKIT_DOCKERFILE_CHECK", "skip=all"); }));
    const auto failed = check(read_document("FROM x as a\nEXPOSE no", "Dockerfile"), test_options());
    CHECK(failed.failure.has_value());
    CHECK(failed.checks.size() == 1);
    CHECK_THROWS_AS(CheckSettings::read("frob=1"), Error);
    CHECK_THROWS_AS(CheckSettings::read("skip"), Error);
    CHECK_THROWS_AS(CheckSettings::read("experimental"), Error);
    CHECK_THROWS_AS(CheckSettings::read("error=maybe"), Error);
}

TEST_CASE("checks: of what stands before a line that cannot be read") {
    Document part;
    CHECK_THROWS_AS(read_document("FROM x as A\nMAINTAINER m\nFOO\nfrom y AS b", "Dockerfile", &part), Error);
    std::vector<std::string> rules;
    for (const Check& found : check_before(part, test_options())) rules.push_back(found.rule);
    CHECK(rules == std::vector<std::string>{"StageNameCasing", "FromAsCasing", "MaintainerDeprecated"});
    CHECK_THROWS_AS(read_document("FOO", "Dockerfile", &part), Error);
    CHECK(check_before(part, test_options()).empty());
}

TEST_CASE("checks: a FROM that names no image hides nothing of the others") {
    const auto found = check(read_document("FROM x:$A\nFROM y:${B}", "Dockerfile"), test_options());
    CHECK(found.failure.has_value());
    CHECK(std::count_if(found.checks.begin(), found.checks.end(),
                        [](const Check& c) { return c.rule == "UndefinedArgInFrom"; }) == 2);
}

TEST_CASE("checks: what only a build meets is no mistake of the file") {
    for (const char* text :
         {"FROM x\nCOPY <<a/b /o\na/b", "FROM x\nCOPY [ /o", "FROM x\nCOPY [a-] /o", "FROM x\nCOPY << EOF /a\nEOF"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(check(read_document(text, "Dockerfile"), test_options()).failure);
    }
    CHECK_THROWS_AS(evaluated("FROM x\nCOPY [ /o"), Error);
}

TEST_CASE("checks: every rule has a name and a sentence of its own") {
    for (int i = 0; i <= static_cast<int>(Rule::expose_invalid_format); ++i) {
        const RuleText& text = text_of(static_cast<Rule>(i));
        CHECK(text.rule == static_cast<Rule>(i));
        CHECK_FALSE(text.name.empty());
        CHECK_FALSE(text.description.empty());
    }
}

TEST_CASE("sources: files, URLs and git repositories") {
    for (const char* git : {"git://h/r", "ssh://git@h/r", "git@github.com:o/r.git", "https://h/r.git",
                            "https://h/r.git#v1:sub", "http://h/r.git?ref=v1"})
        CHECK_MESSAGE(kind_of_source(git) == SourceKind::git, git);
    for (const char* http : {"http://h/f", "https://h/r.git/f", "https://h/f?x=.git", "https://u:p@h/f"})
        CHECK_MESSAGE(kind_of_source(http) == SourceKind::http, http);
    for (const char* path : {"a", "/a:b", "github.com/o/r", "a@b/c:d", "@h:x", "dir/git@h:x"})
        CHECK_MESSAGE(kind_of_source(path) == SourceKind::path, path);
}

TEST_CASE("sources: modes") {
    for (const char* mode :
         {"0", "755", "0600", "07777", "u+x", "go-r", "a=rX", "u=rwX,go=rX", "+x", "u=rwx,go=", "o+t,ug-w", "u+s-w"})
        CHECK_MESSAGE(is_mode(mode), mode);
    for (const char* none : {"", "8", "17777", "10000", "u", "u+q", "u+x,", "755x", "-"})
        CHECK_MESSAGE(is_mode(none) == (std::string(none) == "-"), none);
}

TEST_CASE("ports: signals") {
    for (const char* signal :
         {"9", "64", "-1", "TERM", "sigterm", "SIGUSR1", "RTMIN", "rtmin+3", "SIGRTMAX-14", "CLD", "POLL"})
        CHECK_MESSAGE(is_signal(signal), signal);
    for (const char* none : {"0", "", "NOPE", "RTMIN+16", "RTMIN-1", "RTMAX+1", "9 10", "RTMINX"})
        CHECK_MESSAGE(!is_signal(none), none);
}

TEST_CASE("checks: what a mistake comes with is told beside it") {
    const auto rules_of = [](const std::string& instruction) {
        std::string out;
        const Checked found = check(read_document("FROM x\n" + instruction, "Dockerfile"), test_options());
        for (const Check& one : found.checks) out += one.rule + " ";
        return out + (found.failure ? "failed" : "");
    };
    CHECK(rules_of("ENV a=${b:?no}") == "UndefinedVar failed");
    CHECK(rules_of("ENV a ${b:?no}") == "UndefinedVar failed");
    CHECK(rules_of("ENV a b") == "LegacyKeyValueFormat ");
    CHECK(rules_of("EXPOSE 80/Tcp 0.0.0.0:90/udp") == "ExposeInvalidFormat failed"); // in the order of the history
    CHECK(rules_of("EXPOSE 1:80/Tcp 90-80") == "ExposeProtoCasing ExposeInvalidFormat failed");
}
