// What prune.sh of an ECS export does where an `aws` answers that knows only roles, secrets and repositories.
#include "base/file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/export/exports.hpp"

#include <cstdio>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace davit;
using namespace davit::test;

namespace {

constexpr const char* answering_aws = R"(#!/bin/sh
case "$2" in
list-role-policies) cat policies ;;
list-secrets) cat secrets ;;
describe-repositories) sed 's|^|arn:aws:ecr:r:1:repository/|' repositories ;;
list-tags-for-resource) echo p ;;
esac
)";

// What there is in AWS, a name a line.
struct There {
    std::string policies, secrets, repositories;
};

// What it says that goes, or that somebody may take away.
std::string pruned(const Project& project, const There& there, const std::string& registry = {}) {
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::cli;
    options.registry = registry;
    const TempDir dir;
    for (const ExportedFile& file : export_project(project, options).files)
        if (file.path == "prune.sh") write_file_making(dir / file.path, file.text, 0644, false);
    for (const auto& [name, text] :
         {std::pair("policies", there.policies), {"secrets", there.secrets}, {"repositories", there.repositories}})
        write_file_making(dir / name, text, 0644, false);
    write_file_making(dir / "aws", answering_aws, 0755, false);
    const std::string command = fmt::format(
        "cd {0} && VPC=vpc-1 AWS_REGION=us-east-1 DRY_RUN=1 PATH={0}:\"$PATH\" sh prune.sh 2>&1 || echo failed",
        dir.path());
    std::FILE* const from = ::popen(command.c_str(), "r");
    REQUIRE(from != nullptr);
    std::string out;
    char piece[512];
    while (std::fgets(piece, sizeof piece, from)) out += piece;
    ::pclose(from);
    return out;
}

Project without(const std::string& text, const std::vector<std::string>& left_out) {
    Project project = load_text("name: p\n" + text);
    for (const std::string& name : left_out) project.disabled_services.insert(project.services.extract(name));
    return project;
}

std::string stays(const std::string& what, const std::string& name, const std::string& command) {
    return fmt::format("the {0} {1} is not in the file, and stays: aws {2}", what, name, command) + "\n";
}

} // namespace

TEST_CASE("prune.sh takes the policy of all tasks away when each has its own, and none that was made by hand") {
    const std::string text = "services:\n  web: {image: i, x-aws-pull_credentials: hub}\n  tool: {image: i}\n";
    const Project whole = without(text, {});
    CHECK(pruned(whole, {"secrets\nsecrets-mine\n", "", ""}).empty());
    CHECK(pruned(whole, {"secrets\nsecrets-mine\ndavit-secrets-gone\ndavit-secrets-web\n", "", ""}) ==
          "the policy secrets of the role p-execution\nthe policy davit-secrets-gone of the role p-execution\n");
    // The left out one may be among those that have only it.
    CHECK(pruned(without(text, {"tool"}), {"secrets\ndavit-secrets-tool\ndavit-secrets-web\n", "", ""}).empty());
}

TEST_CASE("prune.sh names no secret that the file has by whatever name") {
    const std::string text = R"(services:
  web:
    image: i
    secrets: [a, b, c]
    x-aws-container: {secrets: [{name: D, valueFrom: 'arn:aws:secretsmanager:r:1:secret:p/d-abcdef:key::'}]}
  tool: {image: i, secrets: [e], x-aws-pull_credentials: p/hub, x-aws-container: {logConfiguration: {logDriver: splunk,
    secretOptions: [{name: splunk-token, valueFrom: 'arn:aws:secretsmanager:r:1:secret:p/splunk'}]}}}
secrets:
  a: {environment: WORD}
  b: {external: true, name: p/token}
  c: {external: true, name: 'arn:aws:secretsmanager:r:1:secret:p/other-abcdef'}
  e: {external: true, name: p/left}
)";
    const There there{"", "p/a\np/b\np/token\np/other\np/d\np/hub\np/splunk\np/left\nq/x\n", ""};
    const std::string unused = "secretsmanager delete-secret --secret-id p/b";
    CHECK(pruned(without(text, {"tool"}), there) == stays("secret", "p/b", unused));
    // Loading forgets the names of what only those have that are left out.
    const Project forgotten = without_unused_resources(without(text, {"tool"}));
    const std::string told = pruned(forgotten, there);
    CHECK(told ==
          stays("secret", "p/b", unused + ", if no service that is left out has it as e") +
              stays("secret", "p/left",
                    "secretsmanager delete-secret --secret-id p/left, if no service that is left out has it as e"));
}

TEST_CASE("prune.sh names no repository that an image of the file is in") {
    const std::string text = R"(services:
  web: {build: ., image: "p-site:2"}
  ran: {image: "1.dkr.ecr.r.amazonaws.com/p-ran:1"}
  tool: {build: ., image: "p-foo:1"}
  plain: {build: .}
  kept: {image: "1.dkr.ecr.r.amazonaws.com/p-kept:3"}
)";
    const Project project = without(text, {"tool", "plain", "kept"});
    const std::string unused = "ecr delete-repository --force --repository-name {}, when no revision needs its images";
    const std::string old = stays("repository", "p-old", fmt::format(fmt::runtime(unused), "p-old"));
    CHECK(pruned(project, {"", "", "p-site\np-ran\np-foo\np-plain\np-kept\np-old\n"}) == old);
    CHECK(pruned(project, {"", "", "p-tool\np-old\n"}) ==
          stays("repository", "p-tool", fmt::format(fmt::runtime(unused), "p-tool")) + old);
    CHECK(pruned(project, {"", "", "p-ran\np-foo\np-plain\n"}, "1.dkr.ecr.r.amazonaws.com").empty());
}
