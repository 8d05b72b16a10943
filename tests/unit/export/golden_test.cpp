// Whole exports of small projects, as they were looked at. What is another now stands in the build directory, for a
// diff.
#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/unit/export/exports.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

using namespace davit;
using namespace davit::test;

namespace {

struct Case {
    const char* name;
    ExportTarget target;
    EcsFormat format = EcsFormat::taskdef;
    EcsLayout layout = EcsLayout::service;
    bool each = true; // false: of the projects that its format makes a difference for
};

constexpr Case cases[] = {
    {"swarm", ExportTarget::swarm},
    {"systemd", ExportTarget::systemd},
    {"kubernetes", ExportTarget::kubernetes},
    {"ecs-taskdef", ExportTarget::ecs},
    {"ecs-taskdef-task", ExportTarget::ecs, EcsFormat::taskdef, EcsLayout::task},
    {"ecs-cli", ExportTarget::ecs, EcsFormat::cli, EcsLayout::service, false},
    {"ecs-cloudformation", ExportTarget::ecs, EcsFormat::cloudformation, EcsLayout::service, false},
    {"ecs-terraform", ExportTarget::ecs, EcsFormat::terraform, EcsLayout::service, false},
};

const std::set<std::string> with_surroundings{
    "one-image",   "build-only", "migration",  "named-volume", "secrets-and-configs", "three-networks",
    "start-first", "sidecar",    "autoscaled", "on-instances", "balancers",           "host-of-instances"};

struct Written {
    std::string name, text;
};

std::vector<Written> projects() {
    std::vector<Written> out;
    const std::string text = read_file(DAVIT_EXPORT_DATA "/projects.txt");
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t line = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string row = text.substr(at, line - at);
        if (row.starts_with("=== ")) out.push_back({row.substr(4, row.size() - 5), ""});
        else out.back().text += row;
        at = line;
    }
    return out;
}

std::string exported(const Written& project, const Case& c) {
    ExportOptions options = options_for(c.target);
    options.format = c.format;
    options.layout = c.layout;
    std::string out = "######## " + project.name + "\n";
    try {
        const ExportResult result = export_project(load_text("name: " + project.name + "\n" + project.text), options);
        return out + report_text(result) + all_text(result);
    } catch (const Error& e) {
        return out + e.describe() + "\n";
    }
}

} // namespace

TEST_CASE("export: the exports of small projects are as they were looked at") {
    REQUIRE(projects().size() >= 30);
    for (const Case& c : cases) {
        CAPTURE(std::string(c.name));
        std::string all;
        for (const Written& project : projects())
            if (c.each || with_surroundings.contains(project.name)) all += exported(project, c);
        const std::string golden = std::string(DAVIT_EXPORT_DATA "/golden/") + c.name + ".txt";
        const std::string expected = read_file_if_exists(golden).value_or("");
        const std::string actual = std::string(DAVIT_EXPORT_ACTUAL "/") + c.name + ".txt";
        if (all != expected) write_file_making(actual, all, 0644, false);
        CHECK_MESSAGE((all == expected), "diff " << golden << " " << actual);
    }
}
