#include "davit/deploying.hpp"

#include "base/error.hpp"
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace davit {

namespace {

using Words = std::vector<std::string>;

bool has_file(const ExportResult& exported, const std::string& path) {
    return std::any_of(exported.files.begin(), exported.files.end(), [&](const auto& f) { return f.path == path; });
}

DeployPlan to_docker(const ExportResult& exported, const DeployTarget& t) {
    DeployPlan out;
    Words environment;
    if (!t.context.empty()) environment.push_back("DOCKER_CONTEXT=" + t.context);
    if (has_file(exported, "secrets.sh"))
        out.commands.push_back({"secrets", {"sh", t.directory + "/secrets.sh"}, environment});
    Words deploy{
        "docker", "stack", "deploy", "-c", t.directory + "/" + exported.files.front().path, "--with-registry-auth"};
    if (t.prune) deploy.emplace_back("--prune");
    if (t.stack_waits) deploy.push_back(t.wait ? "--detach=false" : "--detach=true");
    deploy.push_back(t.name);
    out.commands.push_back({"the stack " + t.name, std::move(deploy), environment});
    return out;
}

DeployPlan to_kubectl(const ExportResult& exported, const DeployTarget& t) {
    DeployPlan out;
    Words place;
    if (!t.context.empty()) place = {"--context", t.context};
    place.insert(place.end(), {"-n", t.name});
    const auto add = [&](std::string title, Words words) {
        words.insert(words.end(), place.begin(), place.end());
        out.commands.push_back({std::move(title), std::move(words), {}});
    };
    if (t.make_namespace) {
        Words make{"kubectl", "create", "namespace", t.name};
        if (!t.context.empty()) make.insert(make.end(), {"--context", t.context});
        out.commands.push_back({"the namespace " + t.name, std::move(make), {}});
    }
    if (has_file(exported, "secrets.sh")) add("secrets", {"sh", t.directory + "/secrets.sh"});
    // A Job never changes: what stands there of the last time would be refused, or not run again.
    const std::string jobs = t.directory + "/jobs.sh";
    if (has_file(exported, "jobs.sh")) add("jobs of the last time", {"sh", jobs, "delete"});
    Words apply{"kubectl", "apply"};
    for (const ExportedFile& file : exported.files)
        if (file.path.ends_with(".yaml")) apply.insert(apply.end(), {"-f", t.directory + "/" + file.path});
    add("the manifests", std::move(apply));
    for (const std::string& workload : t.wait ? exported.workloads : Words()) {
        const std::string seconds = std::to_string(t.timeout);
        if (workload.starts_with("job/"))
            add("waiting for " + workload, {"sh", jobs, "wait", workload.substr(4), seconds});
        else add("waiting for " + workload, {"kubectl", "rollout", "status", workload, "--timeout=" + seconds + "s"});
    }
    if (t.prune) add("what the file no longer has", {"sh", t.directory + "/prune.sh"});
    return out;
}

DeployPlan to_aws(const ExportResult& exported, const DeployTarget& t) {
    DeployPlan out;
    Words environment{"AWS_REGION=" + t.region, "AWS_DEFAULT_REGION=" + t.region};
    const std::string script = t.directory + "/deploy.sh";
    if (!exported.images.empty())
        out.before_images.push_back({"repositories", {"sh", script, "repositories"}, environment});
    if (has_file(exported, "secrets.sh"))
        out.commands.push_back({"secrets", {"sh", t.directory + "/secrets.sh"}, environment});
    if (!t.wait) environment.emplace_back("NO_WAIT=1");
    Words deploy{"sh", script};
    if (t.prune) deploy.emplace_back("--prune");
    out.commands.push_back({"the services", std::move(deploy), environment});
    return out;
}

} // namespace

void check_deploy_target(const DeployTarget& target) {
    if (target.target == ExportTarget::systemd)
        throw error(Errc::usage, "systemd is on this machine, and nothing is deployed to it")
            .with_hint("davit export --to systemd -o /etc/systemd/system/");
    // Swarm takes away whatever the stack file has not; the others know what is only not chosen.
    if (target.prune && target.target == ExportTarget::swarm && !target.selected.empty())
        throw error(Errc::usage, "--prune would take away all services of the stack but {}",
                    fmt::join(target.selected, ", "))
            .with_hint("deploy the whole file, or leave --prune out");
}

DeployPlan deploy_plan(const ExportResult& exported, const DeployTarget& target) {
    check_deploy_target(target);
    switch (target.target) {
    case ExportTarget::swarm: return to_docker(exported, target);
    case ExportTarget::kubernetes: return to_kubectl(exported, target);
    case ExportTarget::ecs: return to_aws(exported, target);
    case ExportTarget::systemd: break;
    }
    return {};
}

Project with_exported_images(Project project, const ExportResult& exported, const DeployTarget& target) {
    for (const ExportedImage& image : exported.images) {
        std::string reference = image.reference;
        for (const auto& [word, value] : {std::pair(std::string("@ACCOUNT@"), target.account),
                                          {"@REGION@", target.region},
                                          {"@DOMAIN@", std::string(exports::ecs::partition_of(target.region).domain)}})
            if (const auto at = reference.find(word); at != std::string::npos)
                reference.replace(at, word.size(), value);
        if (const auto it = project.services.find(image.service); it != project.services.end())
            it->second.image = reference;
    }
    return project;
}

} // namespace davit
