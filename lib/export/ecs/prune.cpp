// prune.sh: what carries the project's tag and is no longer in the file goes, each before what it stands on.
#include "export/ecs/plan.hpp"

#include "base/shared_with.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

using Words = std::set<std::string>;

const Service* sharer_of(const Project& project, const Service& service) {
    const SharedWith with = SharedWith::parse(service.network_mode);
    return with.is_service() ? project.find(std::string(with.name)) : nullptr;
}

std::string name_in(const Document& given) {
    const auto it = given.find("serviceName");
    return it != given.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Whatever a service's task is called, alone or with others.
void add_names(const Layout& plan, const Service& service, Words& out) {
    out.insert(plan.labels.at(service.name));
    if (const std::string task = text_of(service.extensions, "x-aws-task"); !task.empty()) out.insert(dns_label(task));
    if (const auto task = ecs_task_of(service)) out.insert({dns_label(task->name), task->family});
    out.insert(name_in(given(service.extensions, "x-aws-service")));
}

// Services that profiles or a selection leave out are in the file: theirs stays.
Words kept_tasks(const Layout& plan) {
    const Project& project = plan.scope.project;
    Words out;
    for (const auto& [name, service] : project.disabled_services) {
        add_names(plan, service, out);
        std::set<std::string> seen{name};
        for (const Service* at = sharer_of(project, service); at && seen.insert(at->name).second;
             at = sharer_of(project, *at))
            add_names(plan, *at, out);
        if (ecs_task_of(service)) out.insert(name_in(given(project.extensions, "x-aws-service")));
    }
    // By what is left out with it a service that runs once is the project's task's, or has its own.
    if (!out.empty() && plan.scope.options.layout == EcsLayout::task) out.insert(dns_label(project.name));
    out.erase("");
    return out;
}

Words kept_groups(const Layout& plan) {
    Words out;
    const auto& left_out = plan.scope.project.disabled_services;
    bool published =
        std::any_of(left_out.begin(), left_out.end(), [](const auto& s) { return !s.second.ports.empty(); });
    for (const auto& [name, service] : left_out)
        for (const auto& [network, how] : service.networks) out.insert(network_group(plan, network));
    for (const std::string& network : plan.networks) out.insert(network_group(plan, network));
    for (const Task& task : plan.tasks) {
        published = published || !task.published.empty();
        if (!task.published.empty()) out.insert(fmt::format("{}-{}-published", plan.project, task.name));
        else if (task.networks.empty()) out.insert(fmt::format("{}-{}", plan.project, task.name));
    }
    if (published) out.insert(plan.project + "-lb");
    return out;
}

std::string rules_of(const std::vector<OpenPort>& ports) {
    Words out;
    for (const OpenPort& p : ports) out.insert(fmt::format("{}/{}", p.protocol, p.port));
    return fmt::format("'{}'", fmt::join(out, " "));
}

// Names may come from the user's own service documents.
std::string list_of(const Words& words) {
    const std::string text = shell_quoted(fmt::format("{}", fmt::join(words, " ")));
    return text.starts_with('\'') ? text : "'" + text + "'";
}

std::string lists(const Layout& plan) {
    Words services, targets;
    for (const Task& task : plan.tasks) {
        if (!task.once) services.insert(service_name(plan, task));
        for (const Listener& p : task.published) targets.insert(p.group);
    }
    return fmt::format("\n# ---- what the file has; KEPT: and this export has not\n"
                       "SERVICES={}\nKEPT={}\nTARGETS={}\nSECURITY_GROUPS={}\nports=\n",
                       list_of(services), list_of(kept_tasks(plan)), list_of(targets), list_of(kept_groups(plan)));
}

std::string listeners_of(const Layout& plan, bool application) {
    std::set<std::uint32_t> ports;
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            if (p.application() == application) ports.insert(p.listener);
    return fmt::format("balancer {} '{}'\n", plan.balancer_name(application), fmt::join(ports, " "));
}

// name: as the file has it, or an ARN, "…:secret:NAME-abcdef:KEY:STAGE:VERSION", whose six characters may be missing.
void add_secret(const Layout& plan, std::string name, Words& out) {
    constexpr std::string_view of_secret = ":secret:";
    const bool is_arn = name.starts_with("arn:"), ours = has_words(name);
    if (is_arn) {
        const std::size_t at = name.find(of_secret);
        if (at == std::string::npos) return;
        name.erase(0, at + of_secret.size());
        name = name.substr(0, name.find(':'));
    }
    if (!name.starts_with(plan.project + "/")) return; // prune.sh does not speak of others
    if (is_arn && !ours && name.size() > 7 && name[name.size() - 7] == '-') out.insert(name.substr(0, name.size() - 7));
    out.insert(std::move(name));
}

void add_named_by(const Layout& plan, const Document& container, Words& out) {
    std::vector<std::string> arns;
    add_secrets_of(container, arns);
    for (const std::string& arn : arns) add_secret(plan, arn, out);
}

// With those of services that are left out: what they have is not in this export, and is in the file.
Words secrets_of_project(const Layout& plan) {
    Words out;
    for (const auto& [key, secret] : plan.scope.project.secrets)
        add_secret(plan, secret.external && !secret.name.empty() ? secret.name : plan.project + "/" + key, out);
    for (const Document& definition : plan.definitions)
        for (const Document& container : definition["containerDefinitions"]) add_named_by(plan, container, out);
    for (const auto& [name, service] : plan.scope.project.disabled_services) {
        for (const FileReference& use : service.secrets)
            if (!plan.scope.project.secrets.contains(use.source)) out.insert(plan.project + "/" + use.source);
        add_named_by(plan, given_container(service), out);
        Document puller;
        puller["repositoryCredentials"]["credentialsParameter"] = text_of(service.extensions, "x-aws-pull_credentials");
        add_named_by(plan, puller, out);
    }
    return out;
}

// Keys of secrets that only services have that are left out: loading took the secrets away, and what they are called.
Words secrets_without_name(const Layout& plan) {
    Words out;
    for (const auto& [name, service] : plan.scope.project.disabled_services)
        for (const FileReference& use : service.secrets)
            if (!plan.scope.project.secrets.contains(use.source)) out.insert(use.source);
    return out;
}

// Of a service that is left out: where its image is, or is pushed.
std::string repository_for(const Layout& plan, const Service& service) {
    std::string image = service.image;
    if (service.build) {
        const std::string& registry = plan.scope.options.registry;
        if (image.empty()) image = image_name(registry.empty() ? plan.project : plan.scope.project.name, service.name);
        if (!registry.empty()) image = registry + "/" + image.substr(image.rfind('/') + 1);
        else if (image.find('/') == std::string::npos) return image.substr(0, image.find_first_of(":@"));
    }
    return repository_of(image);
}

// With those that are only run from, too: an earlier export has made them, and what runs needs them.
Words repositories_of_project(const Layout& plan) {
    Words out(plan.repositories.begin(), plan.repositories.end());
    for (const Document& definition : plan.definitions)
        for (const Document& container : definition["containerDefinitions"])
            out.insert(repository_of(container["image"].get<std::string>()));
    for (const auto& [name, service] : plan.scope.project.disabled_services) out.insert(repository_for(plan, service));
    out.erase("");
    return out;
}

std::string access(const Layout& plan) {
    std::string out = "\n# ---- what is asked for access, and what holds data\n";
    Words policies;
    for (std::size_t i = 0; i < plan.tasks.size(); ++i)
        if (!secrets_of(plan.definitions[i]).empty()) policies.insert(secrets_policy(plan.tasks[i]));
    out += fmt::format("POLICIES={}\n", list_of(policies));
    if (plan.execution_role.empty()) out += fmt::format("can_read {}\n", plan.execution_role_name());
    else out += fmt::format("unused_role {}\n", plan.execution_role_name());
    if (plan.task_role.empty() && !plan.task_policies.empty())
        out += fmt::format("task_policies {} {}\n", plan.task_role_name(),
                           list_of({plan.task_policies.begin(), plan.task_policies.end()}));
    else out += fmt::format("unused_role {}\n", plan.task_role_name());
    const Words unknown = secrets_without_name(plan);
    return out + fmt::format("secrets {}{}\nrepositories {}\n\n", list_of(secrets_of_project(plan)),
                             unknown.empty() ? "" : " " + list_of(unknown), list_of(repositories_of_project(plan)));
}

std::string commands(const Layout& plan) {
    std::string out = "\n# ---- services, their scaling, what leads to them, what they are open to\nservices\n";
    std::vector<OpenPort> open;
    for (const Task& task : plan.tasks) {
        if (task.once) continue;
        const bool by_cpu = task.scaling && task.scaling->cpu > 0, by_memory = task.scaling && task.scaling->memory > 0;
        out += fmt::format("scaling {} '{}'\n", shell_quoted(service_name(plan, task)),
                           by_cpu && by_memory ? "CPU Memory"
                           : by_cpu            ? "CPU"
                           : by_memory         ? "Memory"
                                               : "");
        for (const Listener& p : task.published)
            for (const OpenPort& port : open_ports(p)) open.push_back(port);
    }
    out += "targets\n" + listeners_of(plan, true) + listeners_of(plan, false) + "target_groups\nproject_groups\n";
    out += fmt::format("open {}-lb \"CidrIpv4=='0.0.0.0/0'\" {}\n", plan.project, rules_of(open));
    for (const Task& task : plan.tasks)
        if (!task.published.empty())
            out += fmt::format("published {} {}\n", shell_quoted(task.name), rules_of(target_ports(task)));
    return out + "security_groups\n" + access(plan) + "[ -n \"${NO_WAIT-}\" ] || [ ! -s \"$work/still\" ]\n";
}

} // namespace

std::string prune_script(const Layout& plan) {
    std::string out =
        "#!/bin/sh\n"
        "# [VPC=vpc-…] [DRY_RUN=1] [NO_WAIT=1] sh prune.sh\n"
        "# Takes away what earlier exports of this project have made and the file no longer has; with DRY_RUN it tells "
        "only.\n"
        "# File systems, logs and task definitions stay, and whatever was made by hand. Roles, their policies but for\n"
        "# that of the secrets, repositories and secrets stay, too, and are named.\n"
        "set -eu\n"
        "work=$(mktemp -d)\n"
        "trap 'rm -rf \"$work\"' EXIT\n"
        ": >\"$work/unused\"\n"
        ": >\"$work/still\"\n\n";
    return out + place_in_script(plan) + vpc_in_script(plan) + std::string(shared_functions()) + prune_functions() +
           lists(plan) + commands(plan);
}

} // namespace davit::exports::ecs
