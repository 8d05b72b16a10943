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

constexpr std::size_t most_containers = 10, most_of_a_definition = 64 * 1024;

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

bool is_http(const Service& service, const Port& p) {
    const std::string protocol =
        p.app_protocol.empty() ? text_of(service.extensions, "x-aws-protocol") : p.app_protocol;
    if (protocol == "http" || protocol == "https" || protocol == "grpc") return true;
    return protocol.empty() && (p.target == 80 || p.published == "80");
}

void add_published(Layout& plan, Task& task, const Service& service) {
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        const Port& p = service.ports[i];
        const std::string path = fmt::format("services.{}.ports[{}]", service.name, i);
        if (p.published.empty() || is_loopback(p)) continue;
        if (p.protocol == "sctp") {
            plan.scope.report.dropped(path, "no load balancer of AWS knows SCTP");
            continue;
        }
        const auto port =
            static_cast<std::uint32_t>(parse_int(p.published.substr(0, p.published.find('-'))).value_or(0));
        Listener out{port,
                     p.target,
                     "TCP",
                     plan.labels.at(service.name),
                     fmt::format("{}-{}", dns_label(plan.project + "-" + service.name, 24), port),
                     path + ".published"};
        if (p.protocol == "udp") out.protocol = "UDP";
        else if (is_http(service, p)) out.protocol = "HTTP";
        else if (port == 443 && !plan.certificate.empty()) out.protocol = "HTTPS";
        if (port == 443 && plan.certificate.empty())
            plan.scope.report.needs(path, "without a certificate the listener passes TLS on to the container",
                                    "x-aws-certificate: ARN at the top of the file");
        const bool taken = std::any_of(task.published.begin(), task.published.end(), [&](const auto& q) {
            return q.listener == out.listener && (q.protocol == "UDP") == (out.protocol == "UDP");
        });
        if (!taken) task.published.push_back(std::move(out));
    }
}

void add_percentages(Task& task, const Service& service) {
    const Extensions& x = service.extensions;
    if (service.deploy && service.deploy->update_config && task.desired > 0) {
        const UpdateConfig& u = *service.deploy->update_config;
        const int count = task.desired;
        const std::uint64_t given = u.parallelism.value_or(1);
        const int p =
            given == 0 ? count : static_cast<int>(std::min<std::uint64_t>(given, static_cast<std::uint64_t>(count)));
        // Down and up, so that there is room for the next task: 133 % of three is three.
        const bool start_first = u.order == "start-first";
        task.minimum_percent = start_first ? 100 : (count - p) * 100 / count;
        task.maximum_percent = start_first ? ((count + p) * 100 + count - 1) / count : 100;
        task.circuit_breaker = u.failure_action != "continue";
        task.roll_back = u.failure_action == "rollback";
    }
    if (const auto v = parse_int(text_of(x, "x-aws-min_percent"))) task.minimum_percent = static_cast<int>(*v);
    if (const auto v = parse_int(text_of(x, "x-aws-max_percent"))) task.maximum_percent = static_cast<int>(*v);
}

void add_scaling(Task& task, const Service& service) {
    const auto it = service.extensions.find("x-aws-autoscaling");
    if (it == service.extensions.end()) return;
    auto number = [&](const char* key, double otherwise) {
        const Value* v = find_member(it->second, key);
        const auto n = v ? parse_int(text_of(*v)) : std::nullopt;
        return n ? static_cast<double>(*n) : otherwise;
    };
    task.scaling = Task::Scaling{static_cast<int>(number("min", task.desired)),
                                 static_cast<int>(number("max", std::max(task.desired, 2))), number("cpu", 0),
                                 number("memory", 0)};
    if (task.scaling->cpu <= 0 && task.scaling->memory <= 0) task.scaling->cpu = 75;
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
    if (!task.published.empty()) {
        const auto start = service.healthcheck ? service.healthcheck->start_period : std::nullopt;
        task.grace = std::max<std::int64_t>({task.grace, 60, start ? whole_seconds(*start) : 0});
    }
    task.after.insert(service.name); // replaced by the names of tasks below
}

// The names are those of the task definition and of its service, and so is where it runs.
void settle_ready_made(const Layout& plan, Task& task) {
    if (!task.ready_made) return;
    const Document definition = given_definition(plan, task), service = given_service(plan, task);
    task.family = ecs_task_of(*task.members.front())->family;
    task.name = service.value("serviceName", task.family);
    const Document where = definition.value("requiresCompatibilities", Document::array());
    task.ec2 = std::find(where.begin(), where.end(), "FARGATE") == where.end();
    task.daemon = service.value("schedulingStrategy", "") == "DAEMON";
    task.desired = service.value("desiredCount", task.desired);
}

void settle(Layout& plan, Task& task) {
    const Service& first = *task.members.front();
    task.name = task.members.size() == 1 ? plan.labels.at(first.name) : task.name;
    task.family = (task.name == plan.project ? plan.project : plan.project + "-" + task.name).substr(0, 255);
    task.ec2 = text_of(first.extensions, "x-aws-launch_type",
                       text_of(plan.scope.project.extensions, "x-aws-launch_type")) == "EC2";
    task.once = std::all_of(task.members.begin(), task.members.end(),
                            [&](const Service* s) { return runs_once(plan.scope.project, *s); });
    for (const Service* s : task.members)
        task.desired = task.members.size() == 1 ? replicas(*s) : std::max(1, task.desired);
    if (first.deploy && first.deploy->mode.starts_with("global") && !task.once) {
        task.daemon = task.ec2;
        if (!task.ec2)
            plan.scope.report.adjusted(key_path(first, "deploy.mode"), "one replica",
                                       "Fargate has no nodes to have one task on each", "x-aws-launch_type: EC2");
    }
    settle_ready_made(plan, task);
    add_percentages(task, first);
    add_scaling(task, first);
    if (task.members.size() > most_containers)
        throw error(Errc::invalid_project, "the task {} would have {} containers, and ECS allows {}", task.name,
                    task.members.size(), most_containers)
            .with_hint("--layout service, or fewer services in it");
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
            const std::string image = container["image"].get<std::string>();
            const std::size_t host = image.find(".dkr.ecr."), slash = image.find('/');
            if (host == std::string::npos || slash == std::string::npos) continue;
            std::string name = image.substr(slash + 1, image.find_first_of(":@", slash) - slash - 1);
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
    for (const auto& [name, service] : scope.project.services) names.push_back(name);
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
    note_names(plan);
    for (Task& task : plan.tasks)
        for (const std::string& network : task.networks)
            if (std::find(plan.networks.begin(), plan.networks.end(), network) == plan.networks.end())
                plan.networks.push_back(network);
    std::sort(plan.networks.begin(), plan.networks.end());
    for (Task& task : plan.tasks) add_definition(plan, task);
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
