// What --check and --call=check print, and the links of their rules.
#include "base/file.hpp"
#include "base/text_code.hpp"
#include "cli/display/dockerfile_excerpt.hpp"
#include "cli/format/build_checks.hpp"
#include "cli/format/build_metadata.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;

TEST_CASE("a rule's page is its name in words") {
    CHECK(rule_url("JSONArgsRecommended") == "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
    CHECK(rule_url("SecretsUsedInArgOrEnv") ==
          "https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/");
    CHECK(rule_url("UndefinedVar") == "https://docs.docker.com/go/dockerfile/rule/undefined-var/");
}

TEST_CASE("checks are told with the lines that they are about, by line") {
    const test::TempDir dir;
    write_file_atomic(dir / "Dockerfile", "FROM a\nCMD b\n", 0644);
    BuildRequest request;
    request.context = dir.path();
    BuildResult result;
    CHECK(checks_text(request, result) == "Check complete, no warnings found.\n");
    result.checks = {{"JSONArgsRecommended", "words \x1b[1m", "Dockerfile", 2},
                     {"FromAsCasing", "first", "Dockerfile", 1}};
    const std::string text = checks_text(request, result);
    CHECK(text.starts_with("Check complete, 2 warnings have been found!\n\nWARNING: FromAsCasing - https://"));
    CHECK(text.find("\nwords \\x1b[1m\nDockerfile:2\n--------------------\n   1 |     FROM a\n   2 | >>> CMD b\n") !=
          std::string::npos);
    const auto json = nlohmann::json::parse(checks_json(request, result));
    CHECK(json["warnings"][1]["ruleName"] == "JSONArgsRecommended");
    CHECK(json["warnings"][1]["location"]["ranges"][0]["start"]["line"] == 2);
    CHECK(json["sources"][0]["data"] == base64_encode("FROM a\nCMD b\n"));
    CHECK_FALSE(json.contains("buildError"));
    write_file_atomic(dir / "Dockerfile", "FROM a\nX=1\nRUN b \\\n c\nY\nZ\n", 0644);
    result.checks[0].line = 3;
    CHECK(checks_text(request, result)
              .ends_with("   2 |     X=1\n   3 | >>> RUN b \\\n   4 | >>>  c\n   5 |     Y\n--------------------\n"));
    CHECK(nlohmann::json::parse(checks_json(request, result))["warnings"][1]["location"]["ranges"].size() == 2);
    request.dockerfile = "-"; // it cannot be read again
    CHECK(checks_text(request, result).find("\nDockerfile:3\n") != std::string::npos);
    result.check_failure = Error(Errc::invalid_project, "no stage").with_at({"Dockerfile", 1, 1});
    CHECK(nlohmann::json::parse(checks_json(request, result))["buildError"]["message"] == "no stage");
}

TEST_CASE("an instruction reaches over its continuations, comments in them and its heredocs") {
    struct Row {
        const char* text;
        int first, last;
    };
    for (const Row& row : std::initializer_list<Row>{
             {"FROM a\nRUN b\nRUN c", 2, 2},
             {"RUN a && \\\n  # why\n\n  b && \\ \n  c\nRUN d", 1, 5},
             {"# escape=`\nRUN a `\n b\nRUN c\\\nRUN d", 2, 3},
             {"# escape=`\nRUN a `\n b\nRUN c\\\nRUN d", 4, 4},
             {"RUN <<EOF\na\nEOF\nRUN b", 1, 3},
             {"run <<-'X' cat\n\ta\n\t\tX\nRUN b", 1, 3},
             {"COPY <<a << \"b\" /x\n1\na\n2\nb\nRUN c", 1, 5},
             {"ONBUILD ADD \\\n <<a /x\n1\na\nRUN c", 1, 4},
             {"RUN <<EOF\nopen", 1, 1},
             {"ENV A=<<EOF\nB\nEOF", 1, 1},
             {"RUN cat<<EOF\nB\nEOF", 1, 1},
         }) {
        CAPTURE(row.text);
        CHECK(last_line_of_instruction(row.text, row.first) == row.last);
    }
}

TEST_CASE("a build's id and metadata: of one image, of several platforms, of an archive, of files") {
    BuildResult result;
    CHECK(build_id(result).empty());
    CHECK(build_metadata(result).empty());
    result.manifest_digest = "sha256:m";
    result.manifest_type = "application/vnd.oci.image.index.v1+json";
    result.manifest_size = 7;
    result.archive_names = {"docker.io/library/a:1"};
    CHECK(build_id(result) == "sha256:m");
    nlohmann::ordered_json found = build_metadata(result);
    CHECK_FALSE(found.contains("containerimage.config.digest"));
    CHECK(found["containerimage.digest"] == "sha256:m");
    CHECK(found["containerimage.descriptor"]["size"] == 7);
    CHECK(found["image.name"] == "docker.io/library/a:1");
    result.config_digest = "sha256:c";
    result.names = {"docker.io/library/b:1", "docker.io/library/b:2"};
    CHECK(build_id(result) == "sha256:c");
    found = build_metadata(result);
    CHECK(found["containerimage.config.digest"] == "sha256:c");
    CHECK(found["image.name"] == "docker.io/library/b:1,docker.io/library/b:2");
}
