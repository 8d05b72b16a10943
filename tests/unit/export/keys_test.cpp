// No key is lost in silence: every path of the schema has a rule for every target, and the rules are true.
#include "base/file.hpp"
#include "compose/diagnostics.hpp"
#include "export/targets.hpp"
#include "tests/unit/export/exports.hpp"
#include "yaml/print.hpp"
#include "yaml/reader.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

using namespace davit;
using namespace davit::test;
using exports::Leaf;

namespace {

constexpr std::pair<const char*, ExportTarget> targets[] = {{"swarm", ExportTarget::swarm},
                                                            {"systemd", ExportTarget::systemd},
                                                            {"kubernetes", ExportTarget::kubernetes},
                                                            {"ecs", ExportTarget::ecs}};

// A line more, which makes another target of it.
struct Variant {
    std::string name;
    ExportTarget target;
    std::string line;
};

std::vector<Variant> variants() {
    std::vector<Variant> out;
    for (const auto& [name, target] : targets) out.push_back({name, target, ""});
    out.push_back({"ecs on instances", ExportTarget::ecs, "x-aws-launch_type: EC2\n"});
    return out;
}

const std::string& full_text() {
    static const std::string text = read_file(DAVIT_EXPORT_DATA "/full.yaml");
    return text;
}

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find('.', at), path.size());
        out.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

// Takes away all that a schema path names; whether there was any.
bool take_away(yaml::Node& node, const std::vector<std::string>& parts, std::size_t i) {
    bool any = false;
    const std::string& part = parts[i];
    if (part == "[]") {
        for (yaml::Node* item : node.list()) any = take_away(*item, parts, i + 1) || any;
        return any;
    }
    for (std::size_t e = node.map().size(); e-- > 0;) {
        yaml::Entry& entry = node.map()[e];
        if (part != "*" && entry.key != part) continue;
        if (i + 1 < parts.size()) any = take_away(*entry.value, parts, i + 1) || any;
        else any = node.erase(entry.key) || any;
    }
    return any;
}

std::string without(const std::string& path, bool& any) {
    yaml::Tree tree;
    compose::Diagnostics diagnostics(tree);
    const std::uint16_t file = tree.add_file("full.yaml", full_text());
    yaml::Node* root = yaml::parse_yaml(tree, file, diagnostics).at(0);
    any = take_away(*root, parts_of(path), 0);
    return yaml::print_yaml(*root, false);
}

std::string documents(const ExportResult& result) {
    std::string out;
    for (const ExportedFile& f : result.files) out += f.path + "\n" + f.text;
    return out;
}

// The finding that speaks for a leaf: its own, or that of what it stands in.
const ExportFinding* finding_of(const std::vector<ExportFinding>& findings, const std::string& path) {
    const ExportFinding* best = nullptr;
    for (const ExportFinding& f : findings) {
        const bool covers =
            path == f.path || (path.starts_with(f.path) && (path[f.path.size()] == '.' || path[f.path.size()] == '['));
        if (covers && (!best || f.path.size() > best->path.size())) best = &f;
    }
    return best;
}

bool carries(const ExportFinding& f) {
    return f.kind != ExportFinding::Kind::dropped && f.to != exports::left_out && f.why != exports::settled;
}

// Keys whose absence says something else than that they are gone.
const std::set<std::string>& exceptions() {
    static const std::set<std::string> paths{
        "services.*.depends_on.*.condition",   // another condition is another order
        "services.*.depends_on.*.required",    // true is what stands there by itself
        "services.*.volumes.[].volume.nocopy", // only what the report says
        "networks.*.enable_ipv4",              // true is what is without it
        "services.*.healthcheck.disable",      // a healthcheck without a test is none
        "services.*.ports.[].protocol",        // with udp gone both are tcp
        "services.*.deploy.mode",              // replicated is what is without it
        "services.*.image",                    // with a build the image gets a name
        // What restarts always does so in any case.
        "kubernetes: services.*.restart",
        "kubernetes: services.*.deploy.restart_policy.condition",
        "ecs: services.*.restart",
        "ecs: services.*.deploy.restart_policy.condition",
        "kubernetes: services.*.deploy.update_config.delay", // monitor is longer
        // What they are called is nothing that a client sees.
        "kubernetes: networks.*.name",
        "ecs: networks.*.name",
        "ecs: volumes.*.name",
    };
    return paths;
}

} // namespace

TEST_CASE("export: every path of the schema has a rule for every target") {
    for (const auto& [name, target] : targets) {
        CAPTURE(std::string(name));
        for (const std::string& path : exports::schema_paths()) {
            CAPTURE(path);
            CHECK(exports::rules_of(target).find(path) != nullptr);
        }
    }
}

TEST_CASE("export: the full file has every path of the schema") {
    const std::set<std::string> elsewhere{"version",
                                          "include",
                                          "include.[].path",
                                          "include.[].env_file",
                                          "include.[].project_directory",
                                          "services.*.extends",
                                          "services.*.extends.service",
                                          "services.*.extends.file",
                                          "networks.*.external.name",
                                          "volumes.*.external.name",
                                          "secrets.*.external.name",
                                          "configs.*.external.name"};
    for (const std::string& path : exports::schema_paths()) {
        if (elsewhere.contains(path)) continue;
        CAPTURE(path);
        bool any = false;
        without(path, any);
        CHECK(any);
    }
}

TEST_CASE("export: every key of a project is in the report, once, and of a rule of its own") {
    for (const auto& [name, target, line] : variants()) {
        CAPTURE(name);
        const Project project = load_text(full_text() + line);
        const ExportResult result = export_project(project, options_for(target));
        for (const Leaf& leaf : exports::leaves_of(project)) {
            CAPTURE(leaf.path);
            const ExportFinding* f = finding_of(result.findings, leaf.path);
            REQUIRE(f);
            CHECK(f->why != "davit has no rule for it");
            if (f->kind == ExportFinding::Kind::dropped) CHECK_FALSE(f->why.empty());
            if (f->kind == ExportFinding::Kind::needs_input) CHECK_FALSE(f->hint.empty());
        }
    }
}

TEST_CASE(
    "export: what the report says of a key is so: without it the export differs, or does not where it is dropped") {
    std::map<std::string, std::vector<Leaf>> by_schema;
    for (const Leaf& leaf : exports::leaves_of(load_text(full_text()))) by_schema[leaf.schema].push_back(leaf);
    int looked_at = 0;
    for (const auto& [name, target, line] : variants()) {
        if (target == ExportTarget::systemd) continue; // davit reads the compose file itself
        CAPTURE(name);
        const Project project = load_text(full_text() + line);
        const ExportResult whole = export_project(project, options_for(target));
        for (const auto& [schema, leaves] : by_schema) {
            if (exceptions().contains(schema) || exceptions().contains(name.substr(0, name.find(' ')) + ": " + schema))
                continue;
            if (schema.ends_with("*") || schema.ends_with("[]") || schema.starts_with("services.*.build.")) continue;
            CAPTURE(schema);
            bool any = false;
            const std::string text = without(schema, any) + line;
            if (!any) continue;
            std::optional<ExportResult> less;
            try {
                less = export_project(load_text(text), options_for(target));
            } catch (const Error&) {
                continue; // it must be there
            }
            const bool carried = std::any_of(leaves.begin(), leaves.end(), [&](const Leaf& l) {
                return carries(*finding_of(whole.findings, l.path));
            });
            ++looked_at;
            CHECK((documents(*less) != documents(whole)) == carried);
        }
    }
    CHECK(looked_at > 300);
}

TEST_CASE("export: no file of an export holds a secret") {
    const Project project = load_text(full_text());
    for (const auto& [name, target] : targets) {
        CAPTURE(std::string(name));
        const std::string text = all_text(export_project(project, options_for(target)));
        CHECK(text.find("the-value-of") == std::string::npos);
    }
}
