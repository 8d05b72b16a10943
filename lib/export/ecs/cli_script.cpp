// A script of aws commands: what is there stays, what has changed is a new revision.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr std::string_view functions = R"sh(
# Of the words in a file those that are known by now.
filled() {
    sed -e "s|@REGION@|$REGION|g" -e "s|@ACCOUNT@|$ACCOUNT|g" -e "s|@EXECUTION_ROLE@|$EXECUTION_ROLE|g" \
        -e "s|@TASK_ROLE@|${TASK_ROLE-}|g" -e "s|@SUBNETS@|$(echo "$SUBNETS" | sed 's/,/","/g')|g" \
        -e "s|@GROUPS@|${groups-}|g" -e "s|\"@TARGETS@\"|${targets-}|g" "$1" >"$work/$1"
    file_systems "$work/$1"
    echo "file://$work/$1"
}

security_group() { # NAME DESCRIPTION: its id
    id=$(aws ec2 describe-security-groups --filters "Name=group-name,Values=$1" "Name=vpc-id,Values=$VPC" \
        --query 'SecurityGroups[0].GroupId' --output text)
    if [ "$id" = None ] || [ -z "$id" ]; then
        id=$(aws ec2 create-security-group --group-name "$1" --description "$2" --vpc-id "$VPC" --query GroupId --output text)
    fi
    echo "$id"
}

allow() { # GROUP OPTIONS…: a rule that is there already is no mistake
    group=$1
    shift
    if ! error=$(aws ec2 authorize-security-group-ingress --group-id "$group" "$@" 2>&1); then
        case $error in *InvalidPermission.Duplicate*) ;; *) echo "$error" >&2; return 1 ;; esac
    fi
}

role() { # NAME: its ARN
    aws iam get-role --role-name "$1" --query Role.Arn --output text 2>/dev/null ||
        aws iam create-role --role-name "$1" --assume-role-policy-document file://trust-policy.json --query Role.Arn --output text
}

load_balancer() { # NAME TYPE: its ARN
    aws elbv2 describe-load-balancers --names "$1" --query 'LoadBalancers[0].LoadBalancerArn' --output text 2>/dev/null ||
        aws elbv2 create-load-balancer --name "$1" --type "$2" --scheme "$SCHEME" --security-groups "$balancer_group" \
            --subnets $(echo "$SUBNETS" | tr , ' ') --query 'LoadBalancers[0].LoadBalancerArn' --output text
}

target_group() { # NAME PROTOCOL PORT DELAY: its ARN
    arn=$(aws elbv2 describe-target-groups --names "$1" --query 'TargetGroups[0].TargetGroupArn' --output text 2>/dev/null) ||
        arn=$(aws elbv2 create-target-group --name "$1" --protocol "$2" --port "$3" --vpc-id "$VPC" --target-type ip \
            --query 'TargetGroups[0].TargetGroupArn' --output text)
    aws elbv2 modify-target-group-attributes --target-group-arn "$arn" \
        --attributes "Key=deregistration_delay.timeout_seconds,Value=$4" >/dev/null
    echo "$arn"
}

listener() { # BALANCER PROTOCOL PORT TARGET [OPTIONS…]
    balancer=$1 protocol=$2 port=$3 target=$4
    shift 4
    there=$(aws elbv2 describe-listeners --load-balancer-arn "$balancer" --query "Listeners[?Port==\`$port\`].ListenerArn" --output text)
    [ -n "$there" ] || aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol "$protocol" --port "$port" \
        --default-actions "Type=forward,TargetGroupArn=$target" "$@" >/dev/null
}

register() { # FILE: family:revision
    aws ecs register-task-definition --cli-input-json "$(filled "$1")" \
        --query 'join(`:`, [taskDefinition.family, to_string(taskDefinition.revision)])' --output text
}

service() { # NAME REVISION
    status=$(aws ecs describe-services --cluster "$CLUSTER" --services "$1" --query 'services[0].status' --output text)
    if [ "$status" = ACTIVE ]; then
        aws ecs update-service --cli-input-json "$(filled "$1.update.json")" --task-definition "$2" >/dev/null
    else
        aws ecs create-service --cli-input-json "$(filled "$1.service.json")" --task-definition "$2" >/dev/null
        created=1
    fi
    [ -n "${NO_WAIT-}" ] || aws ecs wait services-stable --cluster "$CLUSTER" --services "$1"
}

run_once() { # NAME REVISION: fails when one of its containers that count does
    task=$(aws ecs run-task --cli-input-json "$(filled "$1.run-task.json")" --task-definition "$2" \
        --query 'tasks[0].taskArn' --output text)
    [ -z "${NO_WAIT-}" ] || return 0
    aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$task"
    codes=$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" --query 'tasks[0].containers[].exitCode' --output text)
    for code in ${codes:-1}; do
        [ "$code" = 0 ] || { echo "$1 ended with status $code" >&2; exit 1; }
    done
}
)sh";

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

std::string head(const Layout& plan) {
    std::string subnets;
    for (const std::string& s : plan.subnets) subnets += (subnets.empty() ? "" : ",") + s;
    std::string out = "#!/bin/sh\n"
                      "# [VPC=vpc-…] [SUBNETS=subnet-…,subnet-…] [NO_WAIT=1] sh deploy.sh [repositories]\n"
                      "# With `repositories` only those of ECR are made: images come before what runs them.\n"
                      "set -eu\n"
                      "cd \"$(dirname \"$0\")\"\n"
                      "work=$(mktemp -d)\n"
                      "trap 'rm -rf \"$work\"' EXIT\n\n";
    auto input = [&](const char* name, const std::string& value, const char* what) {
        if (value.empty()) out += fmt::format(": \"${{{}?{}}}\"\n", name, what);
        else out += fmt::format("{0}=${{{0}:-{1}}}\n", name, value);
    };
    out += fmt::format("CLUSTER={}\nSCHEME={}\n", shell_quoted(plan.cluster), shell_quoted(plan.scheme));
    if (plan.region.empty()) out += "REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region)}}\n";
    else out += fmt::format("REGION={}\n", shell_quoted(plan.region));
    out += "export AWS_DEFAULT_REGION=\"$REGION\"\n"
           "ACCOUNT=$(aws sts get-caller-identity --query Account --output text)\n";
    if (!plan.repositories.empty()) {
        out += "\nfor repository in";
        for (const std::string& r : plan.repositories) out += " " + shell_quoted(r);
        out += "; do\n    aws ecr describe-repositories --repository-names \"$repository\" >/dev/null 2>&1 ||\n"
               "        aws ecr create-repository --repository-name \"$repository\" >/dev/null\ndone\n";
    }
    out += "[ \"${1-}\" != repositories ] || exit 0\n\n";
    input("VPC", plan.vpc, "the VPC that tasks run in: vpc-…");
    input("SUBNETS", subnets, "subnets of the VPC, with commas between");
    for (const auto& [key, id] : plan.file_systems)
        input(("EFS_" + upper_name(key)).c_str(), id.starts_with('@') ? "" : id,
              "the EFS file system of a volume: fs-…");
    out += "\nfile_systems() {\n    :\n";
    for (const auto& [key, id] : plan.file_systems)
        out += fmt::format("    sed -i \"s|@EFS:{}@|$EFS_{}|g\" \"$1\"\n", key, upper_name(key));
    return out + "}\n";
}

std::string around(const Layout& plan) {
    std::string out = "\n# ---- what stands around the services\n";
    if (plan.own_cluster) out += "aws ecs create-cluster --cluster-name \"$CLUSTER\" >/dev/null\n";
    out += fmt::format("aws logs create-log-group --log-group-name {0} 2>/dev/null || :\n"
                       "aws logs put-retention-policy --log-group-name {0} --retention-in-days {1}\n",
                       plan.log_group, plan.log_days);
    if (plan.execution_role.empty()) {
        out += fmt::format("EXECUTION_ROLE=$(role {0}-execution)\n"
                           "aws iam attach-role-policy --role-name {0}-execution \\\n"
                           "    --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy\n",
                           plan.project);
        if (!plan.secret_arns.empty())
            out += fmt::format("policy=$(filled execution-policy.json)\n"
                               "aws iam put-role-policy --role-name {}-execution --policy-name secrets "
                               "--policy-document \"$policy\"\n",
                               plan.project);
    } else {
        out += fmt::format("EXECUTION_ROLE={}\n", shell_quoted(plan.execution_role));
    }
    if (plan.task_role.empty() && !plan.task_policies.empty()) {
        out += fmt::format("TASK_ROLE=$(role {}-task)\n", plan.project);
        for (const std::string& arn : plan.task_policies)
            out += fmt::format("aws iam attach-role-policy --role-name {}-task --policy-arn {}\n", plan.project,
                               shell_quoted(arn));
    }
    out += fmt::format(
        "there=$(aws servicediscovery list-namespaces --query \"Namespaces[?Name=='{0}'].Id\" --output text)\n"
        "[ -n \"$there\" ] || aws servicediscovery create-http-namespace --name {0} >/dev/null\n",
        plan.namespace_name);
    for (const std::string& network : plan.networks)
        out += fmt::format("{0}=$(security_group {1}-net-{2} 'network {3} of {1}')\nallow \"${0}\" --protocol all "
                           "--source-group \"${0}\"\n",
                           lower_name(network), plan.project, dns_label(network), network);
    if (!any_published(plan, true) && !any_published(plan, false)) return out;
    out += fmt::format("balancer_group=$(security_group {0}-lb 'load balancers of {0}')\n", plan.project);
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            out += fmt::format("allow \"$balancer_group\" --protocol {} --port {} --cidr 0.0.0.0/0\n",
                               p.protocol == "UDP" ? "udp" : "tcp", p.listener);
    if (any_published(plan, true)) out += fmt::format("alb=$(load_balancer {}-alb application)\n", plan.project);
    if (any_published(plan, false)) out += fmt::format("nlb=$(load_balancer {}-nlb network)\n", plan.project);
    return out;
}

std::string task_commands(const Layout& plan, const Task& task) {
    std::string out = fmt::format("\n# ---- {}\ngroups=", task.name), list;
    for (const std::string& network : task.networks) list += (list.empty() ? "$" : "\\\",\\\"$") + lower_name(network);
    if (!task.published.empty()) list += (list.empty() ? "$" : "\\\",\\\"$") + std::string("published");
    out = fmt::format("\n# ---- {}\n", task.name);
    if (!task.published.empty()) {
        out += fmt::format("published=$(security_group {0}-{1}-published 'published ports of {1}')\ntargets=\n",
                           plan.project, task.name);
        for (std::size_t i = 0; i < task.published.size(); ++i) {
            const Listener& p = task.published[i];
            out += fmt::format("allow \"$published\" --protocol {} --port {} --source-group \"$balancer_group\"\n",
                               p.protocol == "UDP" ? "udp" : "tcp", p.container);
            out += fmt::format("target=$(target_group {} {} {} {})\n", p.group,
                               p.protocol == "HTTPS" ? "HTTP" : p.protocol, p.container, task.stop_timeout);
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
    out += fmt::format("revision=$(register {}.taskdef.json)\n", task.name);
    out += fmt::format("{} {} \"$revision\"\n", task.once ? "run_once" : "service", task.name);
    if (task.scaling) {
        const std::string target = fmt::format("--service-namespace ecs --resource-id \"service/$CLUSTER/{}\" "
                                               "--scalable-dimension ecs:service:DesiredCount",
                                               task.name);
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
                                target, task.name, metric, value, metric);
    }
    return out;
}

// Of those that were made before a name that they ask for.
std::string second_deployments(const Layout& plan) {
    const auto early = asked_too_early(plan);
    if (early.empty()) return {};
    std::string out = "\n# ---- Service Connect tells a service the names that are there when it is deployed\n"
                      "if [ -n \"${created-}\" ]; then\n";
    for (const Task* task : early)
        out += fmt::format("    aws ecs update-service --cluster \"$CLUSTER\" --service {0} --force-new-deployment "
                           ">/dev/null\n"
                           "    [ -n \"${{NO_WAIT-}}\" ] || aws ecs wait services-stable --cluster \"$CLUSTER\" "
                           "--services {0}\n",
                           task->name);
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
    return renamed;
}

} // namespace

std::vector<ExportedFile> as_cli(const Layout& plan) {
    std::vector<ExportedFile> out;
    std::string script = head(plan) + std::string(functions) + around(plan);
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        const Task& task = plan.tasks[i];
        script += task_commands(plan, task);
        out.push_back({task.name + ".taskdef.json", json_of(plan.definitions[i]), false});
        if (task.once) {
            out.push_back({task.name + ".run-task.json", json_of(run_task_document(plan, task)), false});
            continue;
        }
        Document create = service_document(plan, task), update = update_document(plan, task);
        if (!task.published.empty())
            for (Document* d : {&create, &update}) (*d)["loadBalancers"] = Document::array({"@TARGETS@"});
        out.push_back({task.name + ".service.json", json_of(create), false});
        out.push_back({task.name + ".update.json", json_of(update), false});
    }
    script += second_deployments(plan);
    out.push_back({"trust-policy.json", json_of(trust_policy()), false});
    if (!plan.secret_arns.empty()) out.push_back({"execution-policy.json", json_of(execution_policy(plan)), false});
    std::string order;
    int step = 1;
    if (!plan.repositories.empty())
        order += fmt::format("{}. `sh deploy.sh repositories`, then `davit build` and `davit push`\n", step++);
    const std::string secrets = ecs_secrets_script(plan);
    if (!secrets.empty()) order += fmt::format("{}. `sh secrets.sh`\n", step++);
    order +=
        fmt::format("{}. `VPC=vpc-… SUBNETS=subnet-…,subnet-… sh deploy.sh`, also for every later export\n", step++);
    if (!secrets.empty()) out.push_back({"secrets.sh", secrets, true});
    out.push_back({"README.md", ecs_readme(plan, order), false});
    out.insert(out.begin(), {"deploy.sh", script, true});
    return out;
}

} // namespace davit::exports::ecs
