#include "davit/export.hpp"

#include "base/error.hpp"
#include "export/targets.hpp"
#include "export/tasks.hpp"

namespace davit {

namespace {

using namespace exports;

struct Target {
    std::vector<ExportedFile> (*make)(const exports::Scope&);
    const Rules& (*rules)();
    std::string_view prefix; // of the extensions it reads
};

Target target_of(ExportTarget target) {
    switch (target) {
    case ExportTarget::swarm: return {to_swarm, swarm_rules, ""};
    case ExportTarget::systemd: return {to_systemd, systemd_rules, "x-"}; // davit reads the file itself
    case ExportTarget::kubernetes: return {to_kubernetes, kubernetes_rules, "x-k8s-"};
    case ExportTarget::ecs: return {to_ecs, ecs_rules, "x-aws-"};
    }
    return {to_swarm, swarm_rules, ""};
}

// What a program of this machine makes runs nowhere else.
Project without_providers(Project project) {
    std::erase_if(project.services, [](const auto& s) { return s.second.provider.has_value(); });
    return project;
}

} // namespace

const exports::Rules& exports::rules_of(ExportTarget target) { return target_of(target).rules(); }

ExportResult export_project(const Project& project, const ExportOptions& options) {
    if (project.services.empty())
        throw error(Errc::invalid_project, "the project {} has no enabled service to export", project.name)
            .with_hint("name services, or a profile with --profile");
    const bool elsewhere = options.target != ExportTarget::systemd;
    const Target target = target_of(options.target);
    const Project given = elsewhere ? without_holders(project) : project;
    Report report(given);
    const Project runnable = elsewhere ? without_providers(given) : given;
    Facts facts;
    const exports::Scope scope{runnable, options, report, facts};
    if (elsewhere) note_common(scope);
    ExportResult out;
    out.files = target.make(scope);
    out.images = std::move(facts.images);
    out.workloads = std::move(facts.workloads);
    out.findings = report.finish(target.rules(), target.prefix);
    return out;
}

} // namespace davit
