// A script of aws commands: what is there stays, what has changed is a new revision.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <regex>

namespace davit::exports::ecs {

namespace {

std::string upper_name(const std::string& text) {
    std::string out;
    for (char c : text)
        out += std::isalnum(static_cast<unsigned char>(c))
                   ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                   : '_';
    return out;
}

std::string lower_name(const std::string& text) {
    std::string out = "n_";
    for (char c : text) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return out;
}

bool any_published(const Layout& plan, bool application) {
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            if (p.application() == application) return true;
    return false;
}

std::string input(const std::string& name, const std::string& value, const char* what) {
    if (value.empty()) return fmt::format(": \"${{{}?{}}}\"\n", name, what);
    return fmt::format("{0}=${{{0}:-{1}}}\n", name, value);
}

std::string head(const Layout& plan) {
    std::string subnets;
    for (const std::string& s : plan.subnets) subnets += (subnets.empty() ? "" : ",") + s;
    std::string out =
        "#!/bin/sh\n"
        "# [VPC=vpc-…] [SUBNETS=subnet-…,subnet-…] [NO_WAIT=1] sh deploy.sh [repositories|--prune]\n"
        "# With `repositories` only those of ECR are made: images come before what runs them. With --prune "
        "prune.sh\n"
        "# takes away what the file no longer has, once all is deployed.\n"
        "set -eu\n"
        "cd \"$(dirname \"$0\")\"\n"
        "work=$(mktemp -d)\n"
        "trap 'rm -rf \"$work\"' EXIT\n\n"
        "case ${1-} in\n"
        "'' | repositories | --prune) ;;\n"
        "*) echo \"sh deploy.sh [repositories|--prune], and not $1\" >&2; exit 2 ;;\n"
        "esac\n";
    out += place_in_script(plan) + fmt::format("SCHEME={}\n", shell_quoted(plan.scheme));
    out += "ACCOUNT=$(aws sts get-caller-identity --query Account --output text)\n"
           "case $REGION in\n";
    for (const Partition& p : partitions())
        out += fmt::format("{}*) PARTITION={} DOMAIN={} ;;\n", p.regions, p.name, p.domain);
    out += "esac\n";
    if (!plan.repositories.empty()) {
        out += "\nfor repository in";
        for (const std::string& r : plan.repositories) out += " " + shell_quoted(r);
        out += "; do\n    aws ecr describe-repositories --repository-names \"$repository\" >/dev/null 2>&1 ||\n"
               "        aws ecr create-repository --repository-name \"$repository\" --tags "
               "\"Key=davit:project,Value=$PROJECT\" >/dev/null\ndone\n";
    }
    out += "[ \"${1-}\" != repositories ] || exit 0\n\n";
    out += vpc_in_script(plan) + input("SUBNETS", subnets, "subnets of the VPC, with commas between");
    for (const auto& [key, id] : plan.file_systems)
        out += input("EFS_" + upper_name(key), is_word(id) ? "" : id, "the EFS file system of a volume: fs-…");
    out += "\nfile_systems() {\n    :\n";
    for (const auto& [key, id] : plan.file_systems)
        out += fmt::format("    sed -i \"s|@EFS:{}@|$EFS_{}|g\" \"$1\"\n", key, upper_name(key));
    return out + "}\n";
}

std::string around(const Layout& plan) {
    std::string out = "\n# ---- what stands around the services\ntask=\n";
    if (plan.own_cluster) out += "aws ecs create-cluster --cluster-name \"$CLUSTER\" >/dev/null\n";
    out += fmt::format("aws logs create-log-group --log-group-name {0} 2>/dev/null || :\n"
                       "aws logs put-retention-policy --log-group-name {0} --retention-in-days {1}\n",
                       plan.log_group, plan.log_days);
    if (plan.execution_role.empty()) {
        out += fmt::format("EXECUTION_ROLE=$(role {0})\n"
                           "aws iam attach-role-policy --role-name {0} \\\n"
                           "    --policy-arn \"arn:$PARTITION:iam::aws:policy/service-role/"
                           "AmazonECSTaskExecutionRolePolicy\"\n",
                           plan.execution_role_name());
        // One for each task: an export of some of them leaves the others theirs.
        for (std::size_t i = 0; i < plan.tasks.size(); ++i)
            if (!secrets_of(plan.definitions[i]).empty())
                out += fmt::format("policy=$(filled {0}.execution-policy.json)\n"
                                   "aws iam put-role-policy --role-name {1} --policy-name {2} "
                                   "--policy-document \"$policy\"\n",
                                   plan.tasks[i].name, plan.execution_role_name(), secrets_policy(plan.tasks[i]));
    } else {
        out += fmt::format("EXECUTION_ROLE={}\n", shell_quoted(plan.execution_role));
    }
    if (plan.task_role.empty() && !plan.task_policies.empty()) {
        out += fmt::format("TASK_ROLE=$(role {})\n", plan.task_role_name());
        for (const std::string& arn : plan.task_policies)
            out += fmt::format("aws iam attach-role-policy --role-name {} --policy-arn {}\n", plan.task_role_name(),
                               shell_quoted(arn));
    }
    out += fmt::format("http_namespace {}\n", plan.namespace_name);
    for (const std::string& network : plan.networks)
        out += fmt::format("{0}=$(security_group {1} 'network {2} of {3}')\nallow \"${0}\" --protocol all "
                           "--source-group \"${0}\"\n",
                           lower_name(network), network_group(plan, network), network, plan.project);
    if (!any_published(plan, true) && !any_published(plan, false)) return out;
    out += fmt::format("balancer_group=$(security_group {0}-lb 'load balancers of {0}')\n", plan.project);
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            for (const OpenPort& open : open_ports(p))
                out += fmt::format("allow \"$balancer_group\" --protocol {} --port {} --cidr 0.0.0.0/0\n",
                                   open.protocol, open.port);
    if (any_published(plan, true))
        out += fmt::format("alb=$(load_balancer {} application)\n", plan.balancer_name(true));
    if (any_published(plan, false)) out += fmt::format("nlb=$(load_balancer {} network)\n", plan.balancer_name(false));
    return out;
}

std::string health_options(const Listener& p) {
    std::string out =
        fmt::format("--health-check-protocol {} --health-check-port {}", p.health.protocol, p.health.port_text());
    if (!p.health.path.empty()) out += " --health-check-path " + shell_quoted(p.health.path);
    // A list as JSON: in aws's short form a comma ends the value.
    if (!p.health.status.empty())
        out += " --matcher " + shell_quoted(fmt::format(
                                   R"({{"{}":"{}"}})", p.version == "GRPC" ? "GrpcCode" : "HttpCode", p.health.status));
    return out;
}

std::string task_commands(const Layout& plan, const Task& task) {
    std::string out = fmt::format("\n# ---- {0}\ntask={0}\n", task.name), list;
    for (const std::string& network : task.networks) list += (list.empty() ? "$" : "\\\",\\\"$") + lower_name(network);
    if (!task.published.empty()) list += (list.empty() ? "$" : "\\\",\\\"$") + std::string("published");
    if (!task.published.empty()) {
        out += fmt::format("published=$(security_group {0}-{1}-published 'published ports of {1}')\ntargets=\n",
                           plan.project, task.name);
        for (const OpenPort& open : target_ports(task))
            out += fmt::format("allow \"$published\" --protocol {} --port {} --source-group \"$balancer_group\"\n",
                               open.protocol, open.port);
        for (std::size_t i = 0; i < task.published.size(); ++i) {
            const Listener& p = task.published[i];
            out += fmt::format("target=$(target_group {} {}{} {} {} {})\n", p.group, p.target,
                               p.version.empty() ? "" : "/" + p.version, p.container, task.stop_timeout,
                               health_options(p));
            out += fmt::format(
                "listener \"${}\" {} {} \"$target\"{}\n", p.application() ? "alb" : "nlb", p.protocol, p.listener,
                p.protocol == "HTTPS" ? " --certificates CertificateArn=" + shell_quoted(plan.certificate) : "");
            out += fmt::format("targets=\"$targets{}{{\\\"targetGroupArn\\\":\\\"$target\\\",\\\"containerName\\\":"
                               "\\\"{}\\\",\\\"containerPort\\\":{}}}\"\n",
                               i ? "," : "", p.of, p.container);
        }
    }
    if (list.empty()) out += fmt::format("groups=$(security_group {0}-{1} '{1} of {0}')\n", plan.project, task.name);
    else out += fmt::format("groups=\"{}\"\n", list);
    const std::string mine = !task.networks.empty()    ? lower_name(task.networks.front())
                             : !task.published.empty() ? "published"
                                                       : "groups";
    for (const std::string& group : mount_groups_of(plan, task))
        out += fmt::format("allow {} --protocol tcp --port {} --source-group \"${}\"\n", shell_quoted(group), nfs_port,
                           mine);
    out += fmt::format("revision=$(register {}.taskdef.json)\n", task.name);
    const std::string called = shell_quoted(service_name(plan, task));
    if (task.once) out += fmt::format("run_once {} \"$revision\" {}\n", task.name, task.desired);
    else out += fmt::format("service {} {} \"$revision\"\n", task.name, called);
    if (task.scaling) {
        const std::string target = fmt::format("--service-namespace ecs --resource-id \"service/$CLUSTER/\"{} "
                                               "--scalable-dimension ecs:service:DesiredCount",
                                               called);
        out +=
            fmt::format("aws application-autoscaling register-scalable-target {} --min-capacity {} --max-capacity {}\n",
                        target, task.scaling->least, task.scaling->most);
        for (const auto& [metric, value] : {std::pair{"CPU", task.scaling->cpu}, {"Memory", task.scaling->memory}})
            if (value > 0)
                out +=
                    fmt::format("aws application-autoscaling put-scaling-policy {} --policy-name {}-{} --policy-type "
                                "TargetTrackingScaling \\\n    --target-tracking-scaling-policy-configuration "
                                "'{{\"TargetValue\":{},\"PredefinedMetricSpecification\":{{\"PredefinedMetricType\":"
                                "\"ECSServiceAverage{}Utilization\"}}}}' >/dev/null\n",
                                target, called, metric, value, metric);
    }
    return out;
}

// Of those that were made before a name that they ask for.
std::string second_deployments(const Layout& plan) {
    const auto early = asked_too_early(plan);
    if (early.empty()) return {};
    std::string out = "\n# ---- Service Connect tells a service the names that are there when it is deployed\n"
                      "if [ -n \"${created-}\" ]; then\n";
    for (const Task* task : early) out += fmt::format("    again {}\n", shell_quoted(service_name(plan, *task)));
    return out + "fi\n";
}

// A redeploy leaves the number that autoscaling has chosen.
Document update_document(const Layout& plan, const Task& task) {
    Document out = service_document(plan, task, !task.scaling);
    Document renamed{{"cluster", out["cluster"]}, {"service", out["serviceName"]}};
    for (const auto& [key, value] : out.items())
        if (key != "cluster" && key != "serviceName" && key != "launchType" && key != "schedulingStrategy" &&
            key != "tags")
            renamed[key] = value;
    // What is not said stays as it was: a service whose ports are published no longer goes on with its target groups.
    const bool by_ecs = !out.contains("deploymentController");
    if (by_ecs && !renamed.contains("loadBalancers")) renamed["loadBalancers"] = Document::array();
    return renamed;
}

// JSON whose words sed finds, and none of the user's: "@REGION@" in a variable is spelt with an escape.
std::string filled_later(const Document& document) {
    constexpr std::string_view mark = "\\u0001";
    static const std::regex ours(
        "@(?=(REGION|ACCOUNT|PARTITION|DOMAIN|EXECUTION_ROLE|TASK_ROLE|SUBNETS|GROUPS|TARGETS)@|EFS:)");
    std::string out = std::regex_replace(json_of(document), ours, "\\u0040");
    for (std::size_t at = 0; (at = out.find(mark, at)) != std::string::npos;) out.replace(at, mark.size(), "@");
    return out;
}

} // namespace

std::string secrets_policy(const Task& task) { return "davit-secrets-" + task.name; }

std::string network_group(const Layout& plan, const std::string& network) {
    return fmt::format("{}-net-{}", plan.project, dns_label(network));
}

std::string place_in_script(const Layout& plan) {
    std::string out = fmt::format("PROJECT={}\nCLUSTER={}\n", plan.project, shell_quoted(plan.cluster));
    if (plan.region.empty()) out += "REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}\n";
    else out += fmt::format("REGION={}\n", shell_quoted(plan.region));
    return out + "export AWS_DEFAULT_REGION=\"$REGION\"\n";
}

std::string vpc_in_script(const Layout& plan) { return input("VPC", plan.vpc, "the VPC that tasks run in: vpc-…"); }

std::vector<ExportedFile> as_cli(const Layout& plan) {
    std::vector<ExportedFile> out;
    std::string script = head(plan) + std::string(shared_functions()) + std::string(script_functions()) + around(plan);
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        const Task& task = plan.tasks[i];
        script += task_commands(plan, task);
        out.push_back({task.name + ".taskdef.json", filled_later(plan.definitions[i]), false});
        if (const auto arns = secrets_of(plan.definitions[i]); !arns.empty() && plan.execution_role.empty())
            out.push_back({task.name + ".execution-policy.json", filled_later(execution_policy(arns)), false});
        if (task.once) {
            out.push_back({task.name + ".run-task.json", filled_later(run_task_document(plan, task)), false});
            continue;
        }
        Document create = service_document(plan, task), update = update_document(plan, task);
        if (!task.published.empty())
            for (Document* d : {&create, &update}) (*d)["loadBalancers"] = Document::array({word("TARGETS")});
        out.push_back({task.name + ".service.json", filled_later(create), false});
        out.push_back({task.name + ".update.json", filled_later(update), false});
    }
    script += second_deployments(plan);
    script += "\n[ \"${1-}\" != --prune ] || VPC=$VPC sh ./prune.sh\n";
    out.push_back({"prune.sh", prune_script(plan), true});
    out.push_back({"trust-policy.json", filled_later(trust_policy()), false});
    std::string order;
    int step = 1;
    if (!plan.repositories.empty())
        order += fmt::format("{}. `sh deploy.sh repositories`, then `davit build` and `davit push`\n", step++);
    const std::string secrets = ecs_secrets_script(plan);
    if (!secrets.empty()) order += fmt::format("{}. `sh secrets.sh`\n", step++);
    order +=
        fmt::format("{}. `VPC=vpc-… SUBNETS=subnet-…,subnet-… sh deploy.sh`, also for every later export\n", step++);
    order +=
        "\ndeploy.sh changes what it has made and takes nothing away. `sh deploy.sh --prune` does, when all is "
        "deployed, and `sh prune.sh` alone:\nservices that are no longer in the file, listeners, target groups, load "
        "balancers, security groups and rules of ports that are no longer\npublished, and what the execution role "
        "could read for such services (`DRY_RUN=1` tells which). Roles, their other policies,\nrepositories and "
        "secrets that the file no longer has are named, with the command that takes them away. A\n"
        "default action of a listener that was changed by hand is set back.\n";
    if (!secrets.empty()) out.push_back({"secrets.sh", secrets, true});
    out.push_back({"README.md", ecs_readme(plan, order), false});
    out.insert(out.begin(), {"deploy.sh", script, true});
    return out;
}

} // namespace davit::exports::ecs
