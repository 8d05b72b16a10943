#include "export/ecs/plan.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "base/units.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr std::size_t most_of_a_definition = 64 * 1024;

// By which services share a task: one for all, or those that share a network namespace.
std::string group_of(const Scope& scope, const Service& service) {
    if (const auto task = ecs_task_of(service)) return task->name;
    const bool alone = runs_once(scope.project, service) && dependents_of(scope.project, service.name).empty();
    if (scope.options.layout == EcsLayout::task && !alone) return scope.project.name;
    if (const std::string name = text_of(service.extensions, "x-aws-task"); !name.empty()) return name;
    if (const SharedWith with = SharedWith::parse(service.network_mode); with.is_service()) {
        const Service* other = scope.project.find(std::string(with.name));
        if (other && other != &service) return group_of(scope, *other);
    }
    return service.name;
}

void add_member(Layout& plan, Task& task, const Service& service) {
    task.ready_made = task.ready_made || ecs_task_of(service);
    if (SharedWith::parse(service.network_mode).is_service())
        plan.scope.report.adjusted(key_path(service, "network_mode"), "a container of the same task",
                                   "containers of one task share their network");
    task.members.push_back(&service);
    for (const auto& [network, how] : service.networks)
        if (std::find(task.networks.begin(), task.networks.end(), network) == task.networks.end())
            task.networks.push_back(network);
    if (service.deploy)
        for (const auto& [key, value] : service.deploy->labels) task.tags[key] = value;
    if (!task.ready_made) note_inner_ports(plan.scope, service);
    if (!task.ready_made) add_published(plan, task, service); // its service says which load balancers it has
    task.after.insert(service.name);                          // replaced by the names of tasks below
}

void read_inputs(Layout& plan) {
    const Extensions& x = plan.scope.project.extensions;
    plan.cluster = text_of(x, "x-aws-cluster", plan.project);
    plan.own_cluster = !x.contains("x-aws-cluster");
    plan.namespace_name = plan.project;
    plan.log_group = "/davit/" + plan.project;
    plan.region = text_of(x, "x-aws-region");
    plan.account = text_of(x, "x-aws-account");
    plan.vpc = text_of(x, "x-aws-vpc");
    plan.subnets = list_of(x, "x-aws-subnets");
    plan.execution_role = text_of(x, "x-aws-execution_role");
    plan.task_role = text_of(x, "x-aws-role");
    plan.task_policies = list_of(x, "x-aws-policies");
    plan.scheme = text_of(x, "x-aws-scheme", "internet-facing");
    plan.certificate = text_of(x, "x-aws-certificate");
    plan.public_ip = flag_of(x, "x-aws-public_ip");
    plan.log_days = static_cast<int>(parse_int(text_of(x, "x-aws-logs_retention")).value_or(30));
}

void note_inputs(const Layout& plan) {
    Report& report = plan.scope.report;
    if (plan.vpc.empty())
        report.needs("x-aws-vpc", "tasks run in a VPC", "x-aws-vpc: vpc-…, or the format's parameter");
    if (plan.subnets.empty())
        report.needs("x-aws-subnets", "tasks run in subnets of the VPC",
                     "x-aws-subnets: [subnet-…], or the format's parameter");
    if (!plan.public_ip)
        report.needs(
            "x-aws-public_ip",
            "tasks have no public address: in subnets without a NAT gateway, or endpoints for ECR, S3, logs and "
            "secrets, they cannot pull their images and stay PENDING",
            "x-aws-public_ip: true in public subnets, or a NAT gateway");
}

void collect_secrets(Layout& plan) {
    std::set<std::string> used;
    for (const auto& [name, service] : plan.scope.project.services)
        for (const FileReference& use : service.secrets) used.insert(use.source);
    for (const auto& [key, secret] : plan.scope.project.secrets) {
        if (!used.contains(key)) continue;
        if (secret.external) {
            if (!secret.name.starts_with("arn:"))
                plan.scope.report.needs("secrets." + key,
                                        "an external secret is one of Secrets Manager in the same account",
                                        "name: its ARN");
            continue;
        }
        plan.secrets.push_back({key, plan.project + "/" + key, secret.environment, secret.file});
    }
}

void collect_repositories(Layout& plan) {
    for (const Document& definition : plan.definitions)
        for (const Document& container : definition["containerDefinitions"]) {
            std::string name = repository_of(container["image"].get<std::string>());
            if (name.empty()) continue;
            const bool built =
                std::any_of(plan.scope.project.services.begin(), plan.scope.project.services.end(), [&](const auto& s) {
                    return s.second.build && container["name"] == plan.labels.at(s.first);
                });
            if (built && std::find(plan.repositories.begin(), plan.repositories.end(), name) == plan.repositories.end())
                plan.repositories.push_back(std::move(name));
        }
}

void check_size(const Layout& plan) {
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        const std::size_t size = plan.definitions[i].dump(-1, ' ', false, Document::error_handler_t::replace).size();
        if (size <= most_of_a_definition) continue;
        throw error(Errc::invalid_project, "the task definition {} has {} bytes, and ECS takes {} at most",
                    plan.tasks[i].family, size, most_of_a_definition)
            .with_at(plan.tasks[i].members.front()->origin.pos)
            .with_hint("move long variables into a file of the image, or a secret");
    }
}

} // namespace

std::string repository_of(const std::string& image) {
    const std::size_t slash = image.find('/');
    if (slash == std::string::npos || image.find(".dkr.ecr.") == std::string::npos) return {};
    return image.substr(slash + 1, image.find_first_of(":@", slash) - slash - 1);
}

std::optional<Size> fargate_size(double cpus, std::int64_t bytes) {
    struct Row {
        int cpu, least, most, step; // MiB
    };
    static constexpr Row rows[] = {{256, 512, 2048, 1024},      {512, 1024, 4096, 1024},   {1024, 2048, 8192, 1024},
                                   {2048, 4096, 16384, 1024},   {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096},
                                   {16384, 32768, 122880, 8192}};
    const double units = std::ceil(cpus * 1024);
    const std::int64_t mib = (bytes + 1024 * 1024 - 1) / (1024 * 1024);
    for (const Row& row : rows) {
        if (units > row.cpu || mib > row.most) continue;
        int memory = row.least;
        if (mib > memory) {
            // 512, 1024, 2048: the first row begins below its step.
            const int base = row.cpu == 256 ? 0 : row.least;
            const auto steps = static_cast<int>((mib - base + row.step - 1) / row.step);
            memory = std::min(row.most, base + steps * row.step);
        }
        return Size{row.cpu, memory};
    }
    return std::nullopt;
}

Layout make_plan(const Scope& scope) {
    Layout plan{.scope = scope, .project = dns_label(scope.project.name, 60)};
    std::vector<std::string> names;
    // A name is the same whatever is left out.
    for (const auto* services : {&scope.project.services, &scope.project.disabled_services})
        for (const auto& [name, service] : *services) names.push_back(name);
    std::sort(names.begin(), names.end());
    plan.labels = dns_labels(names);
    for (const auto& [name, service] : scope.project.services)
        if (const auto task = ecs_task_of(service)) plan.labels[name] = task->container;
    read_inputs(plan);
    note_inputs(plan);
    collect_secrets(plan);
    std::map<std::string, Task> by_group;
    for (const auto& [name, service] : scope.project.services) {
        Task& task = by_group[group_of(scope, service)];
        if (task.name.empty()) task.name = dns_label(group_of(scope, service));
        add_member(plan, task, service);
    }
    for (auto& [group, task] : by_group) settle(plan, task);
    order_tasks(plan, by_group);
    check_service_names(plan);
    note_names(plan);
    for (Task& task : plan.tasks)
        for (const std::string& network : task.networks)
            if (std::find(plan.networks.begin(), plan.networks.end(), network) == plan.networks.end())
                plan.networks.push_back(network);
    std::sort(plan.networks.begin(), plan.networks.end());
    settle_published(plan);
    for (Task& task : plan.tasks) {
        add_definition(plan, task);
        set_percentages(plan, plan.definitions.back(), task);
    }
    for (const Document& definition : plan.definitions)
        for (const std::string& arn : secrets_of(definition))
            if (std::find(plan.secret_arns.begin(), plan.secret_arns.end(), arn) == plan.secret_arns.end())
                plan.secret_arns.push_back(arn);
    note_published(plan);
    collect_repositories(plan);
    check_size(plan);
    return plan;
}

} // namespace davit::exports::ecs

namespace davit::exports {

std::vector<ExportedFile> to_ecs(const Scope& scope) {
    const ecs::Layout plan = ecs::make_plan(scope);
    switch (scope.options.format) {
    case EcsFormat::taskdef: return ecs::as_taskdefs(plan);
    case EcsFormat::cli: return ecs::as_cli(plan);
    case EcsFormat::cloudformation: return ecs::as_cloudformation(plan);
    case EcsFormat::terraform: return ecs::as_terraform(plan);
    }
    return {};
}

} // namespace davit::exports
